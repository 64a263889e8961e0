// A chat on Node's net: node node_net_chat.js PORT. What one client sends at once, all others read behind its address.
const net = require('node:net');

const sockets = new Set();

const server = net.createServer((socket) => {
  socket.setNoDelay(true);
  const name = `${socket.remoteAddress}:${socket.remotePort}`;
  socket.write(`Welcome ${name}\r\n`);
  sockets.add(socket);
  socket.on('data', (data) => {
    for (const other of sockets) {
      if (other !== socket) other.write(Buffer.concat([Buffer.from(`${name}> `), data]));
    }
  });
  socket.on('error', (error) => console.error(error.message));
  socket.on('close', () => sockets.delete(socket));
});

server.listen(Number(process.argv[2]), '127.0.0.1', 500);
