import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { describe, test } from "node:test";

import twilio from "twilio";

import { allBits, flipBit, someBit } from "./sender.js";
import { trial } from "./trial.js";

export const secretName = "TWILIO_AUTH_TOKEN";

/** Where Twilio thinks that the gateway is. */
const origin = "https://hooks.example.com";

/**
 * The directives of the route. Two calls may send the same bytes, so copies come through unless the route asks
 * for a window; here no two deliveries are alike.
 */
export function site(upstream) {
  return `
	handle /twilio {
		webhook_verify twilio {
			secret {env.${secretName}} current
			public_url ${origin}
			allow_weak
			replay_window 1h
		}
		reverse_proxy ${upstream}
	}`;
}

const statuses = ["queued", "sending", "sent", "delivered", "undelivered", "failed", "read"];

/** Registers the tests. */
export function twilioTests(rig) {
  const secret = rig.secrets[secretName];

  describe("Twilio: forms and JSON, signed by twilio", () => {
    test("a message's status, of every kind", async () => {
      const deliveries = statuses.map((status) => form(secret, { MessageSid: newID("SM"), MessageStatus: status, Body: "Zwölf Äpfel, 12 € 🍏 & = + %" }));
      assert.equal(await trial(rig, deliveries), statuses.length);
    });

    test("a field that stands several times", async () => {
      await trial(rig, [form(secret, { MediaUrl: ["b", "a", "b"], CallSid: newID("CA"), CallStatus: "ringing", Empty: "" })]);
    });

    test("signed with the port of the scheme, which the public URL leaves out", async () => {
      const delivery = form(secret, { MessageSid: newID("SM"), MessageStatus: "sent" }, `${origin}:443`);
      await trial(rig, [delivery]);
    });

    test("a body that is no form", async () => {
      const body = Buffer.from(JSON.stringify({ id: newID("EV"), note: "Zwölf Äpfel" }));
      const path = `/twilio?a=1&bodySHA256=${createHash("sha256").update(body).digest("hex")}`;
      const json = delivery(secret, path, "application/json", body, {}, undefined);
      json.accept = (record) =>
        assert.ok(twilio.validateRequestWithBody(secret, record.headers["x-twilio-signature"], origin + record.path, record.body.toString()));
      await trial(rig, [json]);
    });

    test("no bit of the signature can be changed, and no other token will do", async () => {
      const only = form(secret, { MessageSid: newID("SM"), MessageStatus: "sent" });
      const signature = Buffer.from(only.headers["X-Twilio-Signature"], "base64");
      const withSignature = (bytes) => ({ headers: { ...only.headers, "X-Twilio-Signature": bytes.toString("base64") } });
      const another = form(newSecret(), { MessageSid: "SM1", MessageStatus: "sent" });
      only.forgeries = [
        ...allBits(signature.length).map((bit) => withSignature(flipBit(signature, bit))),
        { headers: { ...only.headers, "X-Twilio-Signature": another.headers["X-Twilio-Signature"] } },
        { body: Buffer.concat([only.body, Buffer.from("&X=1")]) },
      ];
      await trial(rig, [only]);
    });
  });
}

/** Makes an auth token. */
export function newSecret() {
  return randomBytes(16).toString("hex");
}

function newID(prefix) {
  return prefix + randomBytes(16).toString("hex");
}

/** A delivery of a form. */
function form(secret, fields, signedOrigin = origin) {
  const pairs = Object.entries(fields).flatMap(([name, values]) => [values].flat().map((value) => [name, value]));
  const body = Buffer.from(new URLSearchParams(pairs).toString());
  const made = delivery(secret, "/twilio?a=1", "application/x-www-form-urlencoded", body, fields, fields.MessageStatus ?? fields.CallStatus, signedOrigin);
  made.accept = (record) => assert.ok(twilio.validateRequest(secret, record.headers["x-twilio-signature"], signedOrigin + record.path, fields));
  return made;
}

/** A delivery as Twilio sends it. */
function delivery(secret, path, type, body, fields, event, signedOrigin = origin) {
  const id = randomUUID();
  const headers = {
    Accept: "*/*",
    "Content-Type": type,
    "User-Agent": "TwilioProxy/1.1",
    "I-Twilio-Idempotency-Token": id,
    "X-Twilio-Signature": twilio.getExpectedTwilioSignature(secret, signedOrigin + path, fields),
  };
  return {
    path,
    headers,
    body,
    verified: { provider: "twilio", ...(event && { event }), id, key: "current" },
    // The lowest bit of a character: another one makes %c3 of %C3, which is the same form.
    forgeries: [{ body: flipBit(body, someBit(body) & ~7) }],
    copies: [{}],
  };
}
