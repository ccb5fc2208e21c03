import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";

import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";

import { examples } from "./examples.js";
import { allBits, flipBit, someBit } from "./sender.js";
import { trial } from "./trial.js";

export const secretNames = { current: "STANDARD_WEBHOOK_SECRET", previous: "STANDARD_WEBHOOK_SECRET_PREVIOUS" };

/** The two senders: Svix has header names of its own, which are older than the standard's. */
const senders = [
  { name: "standardwebhooks", path: "/standard", prefix: "webhook", agent: "standard-webhooks/1.0", Webhook: StandardWebhook },
  { name: "svix", path: "/svix", prefix: "svix", agent: "Svix-Webhooks/1.94.0", Webhook: SvixWebhook },
];

/** The directives of the routes. */
export function site(upstream) {
  return senders
    .map(
      ({ name, path }) => `
	handle ${path} {
		webhook_verify standard {
			name ${name}
			secret {env.${secretNames.current}} current
			secret {env.${secretNames.previous}} previous
		}
		reverse_proxy ${upstream}
	}`,
    )
    .join("");
}

/** Registers the tests. */
export function standardTests(rig) {
  const current = rig.secrets[secretNames.current];
  const previous = rig.secrets[secretNames.previous];

  for (const sender of senders) {
    describe(`Standard Webhooks: messages signed by ${sender.name}`, () => {
      test("each once, and none that was changed", async (t) => {
        const messages = [...examples].map(([event, [text]]) => message(sender, current, event, JSON.parse(text)));
        t.diagnostic(`${await trial(rig, messages)} messages`);
      });

      test("no bit of body or signature can be changed", async () => {
        const only = message(sender, current, "ping", {});
        only.forgeries = [
          ...allBits(only.body.length).map((bit) => ({ body: flipBit(only.body, bit) })),
          ...allBits(32).map((bit) => ({ headers: withBitChanged(sender, only.headers, bit) })),
        ];
        await trial(rig, [only]);
      });

      test("neither another secret nor a time out of the window will do", async () => {
        const only = message(sender, current, "ping", {});
        const now = Number(only.verified.timestamp);
        const another = new sender.Webhook(newSecret());
        only.forgeries = [only.headersAt(now - 600), only.headersAt(now + 600), only.headersAt(now, another)].map((headers) => ({ headers }));
        await trial(rig, [only]);
      });

      test("while a secret rolls, either signature will do", async () => {
        const rolling = ["first", "second"].map((event) => message(sender, current, event, {}));
        const name = `${sender.prefix}-signature`;
        const retired = new sender.Webhook(newSecret());
        rolling.forEach(({ headers, body }, i) => {
          const other = retired.sign(headers[`${sender.prefix}-id`], signedAt(sender, headers), body);
          const both = [headers[name], other];
          // An asymmetric signature beside them, which the scheme passes over.
          headers[name] = [...(i ? both : both.reverse()), `v1a,${randomBytes(64).toString("base64")}`].join(" ");
        });
        // What was dropped from the list can't make it another message.
        rolling[0].copies = [{ headers: { ...rolling[0].headers, [name]: rolling[0].headers[name].split(" ")[1] } }];
        rolling.forEach((delivery) => (delivery.forgeries = []));
        await trial(rig, rolling);
      });

      test("the secret before is accepted, by its name", async () => {
        const old = message(sender, previous, "ping", {});
        old.verified.key = "previous";
        await trial(rig, [old]);
      });
    });
  }
}

/** Makes a secret as the SDKs want it. */
export function newSecret() {
  return `whsec_${randomBytes(24).toString("base64")}`;
}

/** A message as the sender sends it. */
function message(sender, secret, event, data) {
  const signer = new sender.Webhook(secret);
  const now = Math.floor(Date.now() / 1000);
  const id = `msg_${randomBytes(14).toString("hex")}`;
  const type = data.action ? `${event}.${data.action}` : event;
  const body = Buffer.from(JSON.stringify({ type, timestamp: new Date(now * 1000).toISOString(), data }));

  const headersAt = (time, key = signer) => ({
    Accept: "*/*",
    "Content-Type": "application/json",
    "User-Agent": sender.agent,
    [`${sender.prefix}-id`]: id,
    [`${sender.prefix}-timestamp`]: String(time),
    [`${sender.prefix}-signature`]: key.sign(id, new Date(time * 1000), body.toString()),
  });
  const headers = headersAt(now);
  return {
    path: sender.path,
    headers,
    headersAt,
    body,
    verified: { provider: "standard", event: type, id, timestamp: String(now), key: "current" },
    forgeries: [
      { body: flipBit(body, someBit(body)) },
      { headers: withBitChanged(sender, headers, body.length % 256) },
      { headers: { ...headers, [`${sender.prefix}-id`]: `${id}0` } },
      { headers: { ...headers, [`${sender.prefix}-timestamp`]: String(now - 1) } },
    ],
    // The second is a retry: signed anew at another time, with the same id.
    copies: [{}, { headers: headersAt(now - 10) }],
    accept: (record) => signer.verify(record.body, record.headers),
  };
}

function signedAt(sender, headers) {
  return new Date(headers[`${sender.prefix}-timestamp`] * 1000);
}

/** The headers with one bit of the signature changed. */
function withBitChanged(sender, headers, bit) {
  const name = `${sender.prefix}-signature`;
  const [version, sum] = headers[name].split(",");
  return { ...headers, [name]: `${version},${flipBit(Buffer.from(sum, "base64"), bit).toString("base64")}` };
}
