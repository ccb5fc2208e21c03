import { once } from "node:events";
import http from "node:http";

/** The status with which the app accepts. The gateway itself never answers with it. */
export const accepted = 202;

/**
 * Starts the app behind the gateway: it records every request and accepts it.
 *
 * A record is { method, path, headers, body }, headers as node has them (lower-case names, repeated
 * ones joined) and the body as a Buffer.
 */
export async function startApp() {
  let records = [];
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url: path, headers } = request;
    records.push({ method, path, headers, body: Buffer.concat(chunks) });
    response.writeHead(accepted).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();

  return {
    address: `127.0.0.1:${port}`,

    /** Returns the records since the last call, in the order in which they came. */
    drain() {
      const drained = records;
      records = [];
      return drained;
    },

    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
