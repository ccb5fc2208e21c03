import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, test } from "node:test";

import { signRequest, verifyRequest } from "@contentful/node-apps-toolkit";

import { allBits, flipBit, someBit } from "./sender.js";
import { trial } from "./trial.js";

export const secretName = "CONTENTFUL_SIGNING_SECRET";

export function site(upstream) {
  return `
	handle /contentful* {
		webhook_verify contentful {
			secret {env.${secretName}} current
		}
		reverse_proxy ${upstream}
	}`;
}

const topics = ["Entry.create", "Entry.publish", "Asset.delete", "ContentType.save"].map((name) => `ContentManagement.${name}`);

/** Registers the tests. */
export function contentfulTests(rig) {
  const secret = rig.secrets[secretName];

  describe("Contentful: requests signed by @contentful/node-apps-toolkit", () => {
    for (const path of ["/contentful", "/contentful?a=1&b=%20x+y", "/contentful/a%20b/'c'?q=%5B1%5D&x=%C3%A4"]) {
      test(path, async () => {
        assert.equal(await trial(rig, topics.map((topic) => delivery(secret, path, topic))), topics.length);
      });
    }

    test("no bit of body or signature can be changed", async () => {
      const only = delivery(secret, "/contentful", topics[0]);
      const signature = Buffer.from(only.headers["x-contentful-signature"], "hex");
      only.forgeries = [
        ...allBits(only.body.length).map((bit) => ({ body: flipBit(only.body, bit) })),
        ...allBits(signature.length).map((bit) => ({ headers: { ...only.headers, "x-contentful-signature": flipBit(signature, bit).toString("hex") } })),
      ];
      await trial(rig, [only]);
    });

    test("neither a time out of the window, nor another topic, nor another secret will do", async () => {
      const only = delivery(secret, "/contentful", topics[0]);
      only.forgeries = [
        delivery(secret, "/contentful", topics[0], Date.now() - 60_000),
        delivery(secret, "/contentful", topics[0], Date.now() + 60_000),
        delivery(newSecret(), "/contentful", topics[0]),
        delivery(secret, "/contentful/other", topics[0]),
        { ...only, headers: { ...only.headers, "X-Contentful-Topic": topics[1] } },
      ].map(({ headers, body }) => ({ headers, body }));
      await trial(rig, [only]);
    });
  });
}

/** Makes a secret as Contentful wants it: 64 characters. */
export function newSecret() {
  return randomBytes(48).toString("base64url");
}

/** Throws unless the toolkit takes the app's record for genuine. */
export function accept(secret, { method, path, headers, body }) {
  assert.ok(verifyRequest(secret, { method, path, headers, body: body.toString() }), "not genuine");
}

/** A delivery as Contentful sends it. */
function delivery(secret, path, topic, time = Date.now()) {
  const body = Buffer.from(JSON.stringify({ sys: { type: "Entry", id: randomBytes(8).toString("hex") }, fields: { title: "Zwölf Äpfel, 12 € 🍏" } }, null, 2));
  const id = createHash("sha256").update(body).digest("hex");
  const signed = {
    "Content-Type": "application/vnd.contentful.management.v1+json",
    "X-Contentful-Topic": topic,
    "X-Contentful-Webhook-Name": "a webhook; x-contentful-crn",
    "X-Contentful-Idempotency-Key": id,
  };
  return {
    path,
    headers: { Accept: "*/*", ...signed, ...signRequest(secret, { method: "POST", path, headers: signed, body: body.toString() }, time) },
    body,
    verified: { provider: "contentful", event: topic, id, timestamp: String(Math.floor(time / 1000)), key: "current" },
    forgeries: [{ body: flipBit(body, someBit(body)) }],
    copies: [{}],
    accept: (record) => accept(secret, record),
  };
}
