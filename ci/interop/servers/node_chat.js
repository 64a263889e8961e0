// A chat of lines on Node's net: node node_chat.js PORT. It asks for a name; what one says all others hear.
const net = require('node:net');
const readline = require('node:readline');

const names = new Map(); // socket -> name

function tellOthers(speaker, text) {
  for (const socket of names.keys()) {
    if (socket !== speaker) socket.write(`${text}\n`);
  }
}

const server = net.createServer((socket) => {
  socket.setEncoding('utf8');
  socket.write('Name? ');
  const lines = readline.createInterface({ input: socket });
  lines.on('line', (line) => {
    const name = names.get(socket);
    if (name === undefined) {
      names.set(socket, line);
      socket.write(`Hello ${line}\n`);
      tellOthers(socket, `* ${line} has come`);
    } else if (line === 'exit') {
      socket.end('Bye\n');
    } else {
      tellOthers(socket, `${name}> ${line}`);
    }
  });
  lines.on('error', (error) => console.error(error.message)); // readline passes on what befalls its input
  socket.on('error', (error) => console.error(error.message));
  socket.on('close', () => {
    if (!names.has(socket)) return;
    tellOthers(socket, `* ${names.get(socket)} has gone`);
    names.delete(socket);
  });
});

server.listen(Number(process.argv[2]), '127.0.0.1');
