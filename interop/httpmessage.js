import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { describe, test } from "node:test";

import { createSigner, createVerifier, httpbis } from "http-message-signatures";

import { flipBit, someBit } from "./sender.js";
import { trial } from "./trial.js";

/** Where senders think that the gateway is. */
const origin = "https://hooks.example.com";

/** The algorithms, and what they make of a key: what signs, and the secret that the gateway gets. */
const keys = Object.fromEntries(
  Object.entries({
    "hmac-sha256": () => {
      const key = randomBytes(32);
      return [key, key.toString("base64")];
    },
    ed25519: () => publicKey(generateKeyPairSync("ed25519")),
    "ecdsa-p256-sha256": () => publicKey(generateKeyPairSync("ec", { namedCurve: "P-256" })),
    "rsa-v1_5-sha256": () => publicKey(generateKeyPairSync("rsa", { modulusLength: 2048 })),
    "rsa-pss-sha512": () => publicKey(generateKeyPairSync("rsa", { modulusLength: 2048 })),
  }).map(([algorithm, make]) => {
    const [key, text] = make();
    return [algorithm, { key, secret: `${algorithm}:${text}`, variable: `MESSAGE_KEY_${algorithm.toUpperCase().replace(/[^A-Z0-9]/g, "_")}` }];
  }),
);

function publicKey({ publicKey, privateKey }) {
  return [privateKey, publicKey.export({ type: "spki", format: "der" }).toString("base64")];
}

/** The secrets of the route, by the names of their variables. */
export function newSecrets() {
  return Object.fromEntries(Object.values(keys).map(({ secret, variable }) => [variable, secret]));
}

/** The directives of the route: every key has its keyid, which is the name of its algorithm, as its label. */
export function site(upstream) {
  const secrets = Object.entries(keys).map(([algorithm, { variable }]) => `\n\t\t\tsecret {env.${variable}} ${algorithm}`);
  return `
	handle /message {
		webhook_verify rfc9421 {${secrets.join("")}
			public_url ${origin}
		}
		reverse_proxy ${upstream}
	}`;
}

/** Registers the tests. */
export function httpMessageTests(rig) {
  describe("RFC 9421: messages signed by http-message-signatures", () => {
    for (const algorithm of Object.keys(keys)) {
      test(algorithm, async () => {
        await trial(rig, [await delivery(algorithm, {})]);
      });
    }

    test("with the parts of the URL, and every parameter", async () => {
      const fields = ["@method", "@authority", "@path", "@query", '@query-param;name="a"', "content-type", "content-digest"];
      const paramValues = { nonce: "n", tag: "hooks", expires: new Date(Date.now() + 60_000) };
      await trial(rig, [await delivery("ed25519", { fields, params: ["created", "expires", "nonce", "alg", "keyid", "tag"], paramValues })]);
    });

    test("neither a message out of the window, nor one that leaves something out, nor the key of another will do", async () => {
      const only = await delivery("ed25519", {});
      const forged = [
        await delivery("ed25519", { paramValues: { created: new Date(Date.now() - 600_000) } }),
        await delivery("ed25519", { paramValues: { created: new Date(Date.now() + 600_000) } }),
        await delivery("ed25519", { fields: ["@method", "@target-uri"] }),
        await delivery("ed25519", { fields: ["@method", "content-digest"] }),
        await delivery("ed25519", { signedWith: generateKeyPairSync("ed25519").privateKey }),
      ];
      only.forgeries = forged.map(({ headers, body }) => ({ headers, body }));
      await trial(rig, [only]);
    });
  });
}

/** Makes a secret for what the gateway's side signs. */
export function newSecret() {
  return `hmac-sha256:${randomBytes(32).toString("base64")}`;
}

/** Throws unless the library takes the app's record for genuine, with the digest, which it leaves to its caller. */
export async function accept(secret, { method, path, headers, body }) {
  const verify = createVerifier(Buffer.from(secret.slice("hmac-sha256:".length), "base64"), "hmac-sha256");
  const message = { method, url: `http://${headers.host}${path}`, headers };
  const found = await httpbis.verifyMessage({ keyLookup: () => ({ algs: ["hmac-sha256"], verify }), requiredFields: ["@method", "@target-uri", "content-digest"] }, message);
  assert.ok(found, "not genuine");
  assert.equal(headers["content-digest"], digest(body));
}

const digest = (body) => `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;

/** A delivery that is signed with the key of an algorithm. */
async function delivery(algorithm, { fields = ["@method", "@target-uri", "content-digest"], params = ["created", "keyid"], paramValues = {}, signedWith = keys[algorithm].key }) {
  const path = "/message?a=b%20c&d";
  const body = Buffer.from(JSON.stringify({ type: "invoice.paid", nonce: randomBytes(8).toString("hex") }));
  const created = paramValues.created ?? new Date();
  const { headers } = await httpbis.signMessage(
    { key: { ...createSigner(signedWith, algorithm, algorithm) }, fields, params, paramValues: { created, ...paramValues } },
    { method: "POST", url: origin + path, headers: { "Content-Type": "application/json", "Content-Digest": digest(body) } },
  );
  return {
    path,
    headers,
    body,
    verified: { provider: "rfc9421", event: "invoice.paid", timestamp: String(Math.floor(created / 1000)), key: algorithm },
    forgeries: [{ body: flipBit(body, someBit(body)) }, { headers: { ...headers, "Content-Digest": digest(Buffer.from("{}")) }, body: Buffer.from("{}") }],
    copies: [{}],
  };
}
