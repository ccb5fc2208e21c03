import assert from "node:assert/strict";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { describe, test } from "node:test";

import { sign, verify } from "@octokit/webhooks-methods";

import { examples } from "./examples.js";
import { allBits, flipBit, post, someBit } from "./sender.js";
import { trial } from "./trial.js";

export const secretName = "GITHUB_WEBHOOK_SECRET";

/** The directives of the route: a rule for each event, which sends it to a path of its own. */
export function site(upstream) {
  const rules = [...examples.keys()].map(
    (event) => `
			event ${event} {
				rewrite * /github/${event}
				reverse_proxy ${upstream}
			}`,
  );
  return `
	handle /github {
		webhook_verify github {
			secret {env.${secretName}} current
		}
		webhook_route {${rules.join("")}
			otherwise reject
		}
	}`;
}

/** The two content types that GitHub lets one choose from, and what each makes of a payload. */
const forms = {
  "application/json": (text) => text,
  "application/x-www-form-urlencoded": (text) => new URLSearchParams({ payload: text }).toString(),
};

/** Registers the tests. */
export function githubTests(rig) {
  const secret = rig.secrets[secretName];
  const { ping: pings, ...others } = Object.fromEntries(examples);
  const payloads = Object.values(others).flat();

  describe("GitHub: every example payload, signed by @octokit/webhooks-methods", () => {
    test("the package has its payloads", (t) => {
      assert.ok(payloads.length > 200, `${payloads.length} payloads`);
      assert.ok(examples.size > 50, `${examples.size} events`);
      t.diagnostic(`${payloads.length} different payloads of ${examples.size} events`);
    });

    for (const [type, write] of Object.entries(forms)) {
      describe(type, () => {
        let delivered = 0;
        for (const [event, texts] of Object.entries(others)) {
          test(event, async () => {
            const deliveries = texts.map((text) => delivery(secret, event, type, write(text)));
            delivered += await trial(rig, await Promise.all(deliveries));
          });
        }
        test("all of them reached the app", () => assert.equal(delivered, payloads.length));

        test("the gateway answers pings", async () => {
          assert.ok(pings.length > 0, "the package has none");
          for (const text of pings) {
            const { headers, body } = await delivery(secret, "ping", type, write(text));
            assert.deepEqual(await post(`${rig.gateway.url}/github`, headers, body), { status: 200, body: "" });
            assert.equal((await post(`${rig.gateway.url}/github`, headers, flipBit(body, 0))).status, 401);
          }
          assert.equal(rig.app.drain().length, 0, "pings that reached the app");
        });
      });
    }

    const star = () => delivery(secret, "star", "application/json", JSON.stringify({ action: "created", nonce: randomUUID() }));

    test("no bit of body or signature can be changed", async () => {
      const only = await star();
      only.forgeries = [
        ...allBits(only.body.length).map((bit) => ({ body: flipBit(only.body, bit) })),
        ...allBits(32).map((bit) => ({ headers: withBitChanged(only.headers, bit) })),
      ];
      await trial(rig, [only]);
    });

    test("neither another secret nor the older signature alone will do", async () => {
      const only = await star();
      const { "X-Hub-Signature-256": signature, ...older } = only.headers;
      const another = await sign(`${secret}-`, only.body.toString());
      only.forgeries = [{ headers: older }, { headers: { ...older, "X-Hub-Signature-256": another } }];
      await trial(rig, [only]);
    });
  });
}

/** Makes a secret; GitHub takes any text. */
export function newSecret() {
  return randomBytes(20).toString("hex");
}

/** A delivery as GitHub sends it. */
async function delivery(secret, event, type, text) {
  const body = Buffer.from(text);
  const id = randomUUID();
  const headers = {
    Accept: "*/*",
    "Content-Type": type,
    "User-Agent": "GitHub-Hookshot/044aadd",
    "X-GitHub-Delivery": id,
    "X-GitHub-Event": event,
    "X-GitHub-Hook-ID": "292430182",
    "X-GitHub-Hook-Installation-Target-ID": "79929171",
    "X-GitHub-Hook-Installation-Target-Type": "repository",
    "X-Hub-Signature": `sha1=${createHmac("sha1", secret).update(body).digest("hex")}`,
    "X-Hub-Signature-256": await sign(secret, text),
  };
  return {
    path: "/github",
    forwarded: `/github/${event}`,
    headers,
    body,
    verified: { provider: "github", event, id, key: "current" },
    forgeries: [{ body: flipBit(body, someBit(body)) }, { headers: withBitChanged(headers, body.length % 256) }],
    // The second has a new id, which the signature does not cover.
    copies: [{}, { headers: { ...headers, "X-GitHub-Delivery": randomUUID() } }],
    async accept(record) {
      assert.ok(await verify(secret, record.body.toString(), record.headers["x-hub-signature-256"]));
    },
  };
}

/** The headers with one bit of the signature changed. */
function withBitChanged(headers, bit) {
  const [algorithm, digest] = headers["X-Hub-Signature-256"].split("=");
  return { ...headers, "X-Hub-Signature-256": `${algorithm}=${flipBit(Buffer.from(digest, "hex"), bit).toString("hex")}` };
}
