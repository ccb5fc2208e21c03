import http from "node:http";
import { createHash } from "node:crypto";

const concurrency = 8;
const timeout = 30_000; // milliseconds

const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });

/** Sends the body with exactly these headers. Returns the answer: { status, body }. */
export function post(url, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: "POST", agent, timeout, headers: { ...headers, "Content-Length": body.length } });
    request.on("timeout", () => request.destroy(new Error(`no answer from ${url} within ${timeout} ms`)));
    request.on("error", reject);
    request.on("response", async (response) => {
      try {
        const chunks = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() });
      } catch (error) {
        reject(error);
      }
    });
    request.end(body);
  });
}

/** Closes the connections that are kept for the next request. */
export function hangUp() {
  agent.destroy();
}

/** Returns a copy of the bytes with the bit of that number changed. */
export function flipBit(bytes, bit) {
  const flipped = Buffer.from(bytes);
  flipped[bit >> 3] ^= 1 << (bit & 7);
  return flipped;
}

/** Returns a bit of the bytes to change: it follows from the bytes, so that a failure comes again. */
export function someBit(bytes) {
  return createHash("sha256").update(bytes).digest().readUInt32BE() % (bytes.length * 8);
}

/** Returns the numbers of all bits of so many bytes. */
export function allBits(size) {
  return Array.from({ length: size * 8 }, (_, bit) => bit);
}
