// The echo of Node's documentation (net.createServer): node node_echo.js PORT.
const net = require('node:net');

const server = net.createServer((c) => {
  console.log('client connected');
  c.on('end', () => {
    console.log('client disconnected');
  });
  c.write('hello\r\n');
  c.pipe(c);
});
server.on('error', (err) => {
  throw err;
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => {
  console.log('server bound');
});
