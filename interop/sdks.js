import { createHmac, generateKeyPairSync, randomBytes, sign as signBytes } from "node:crypto";

import { LinearWebhookClient } from "@linear/sdk/webhooks";
import Mux from "@mux/mux-node";
import { signWebhookPayload, verifyWebhookSignature } from "@notionhq/client";
import { Paddle } from "@paddle/paddle-node-sdk";
import { encodeSignatureHeader, isValidSignature } from "@sanity/webhook";
import { EventWebhook } from "@sendgrid/eventwebhook";
import "@shopify/shopify-api/adapters/web-api";
import { ApiVersion, shopifyApi } from "@shopify/shopify-api";
import { encrypt, getSignature } from "@wecom/crypto";
import { WorkOS } from "@workos-inc/node";
import { verifyKey } from "discord-interactions";
import { verifySignature as verifyGoCardless } from "gocardless-nodejs/webhooks";
import { verifyWebhookSignature as verifyHook0 } from "hook0-client";
import Pusher from "pusher";
import Razorpay from "razorpay";
import { validateWebhook as validateReplicate } from "replicate";
import { Resend } from "resend";
import { Webhook as StandardWebhook } from "standardwebhooks";

/**
 * The vendors' SDKs that have nothing but one scheme to show. Each is
 *   preset   the provider, as the gateway calls it,
 *   package  the SDK's,
 *   name     of the entry (default: the preset),
 *   options  lines of webhook_verify besides the secret,
 *   newKeys  makes { verifies, signs }, the secrets of who receives and of who sends, and perhaps key, which is
 *            that of the latter for Node (default: one text for both),
 *   message  what a delivery is, by its id and time: { body, headers, query }; a body that is no text becomes JSON,
 *   event    how the gateway has to name it, nothing if the vendor names none,
 *   hasID    whether the gateway finds the id (default: true),
 *   time     the unit of the signed time, s or ms, nothing if none is signed,
 *   sign     what signs a message, by the keys: { headers, query }. The SDK does, or the vendor's rule if it only verifies,
 *   accept   asks the SDK about a record of the app's: it throws or returns false if it refuses it,
 *   change   another body that has to be refused (default: one bit is changed),
 *   command  whether `webhook send` can sign it too (default: true).
 */
export const sdks = [
  {
    preset: "discord",
    package: "discord-interactions",
    newKeys: () => ed25519("hex"),
    message: (id) => ({ body: { id, type: 2 } }),
    event: "2",
    time: "s",
    sign: ({ key }, { body, stamp }) => ({
      headers: { "X-Signature-Timestamp": stamp, "X-Signature-Ed25519": signBytes(null, Buffer.concat([Buffer.from(stamp), body]), key).toString("hex") },
    }),
    accept: (secret, { headers, body }) => verifyKey(body, headers["x-signature-ed25519"], headers["x-signature-timestamp"], secret),
  },
  {
    preset: "gocardless",
    package: "gocardless-nodejs",
    message: (id) => ({ body: { events: [{ id: "EV1", action: "paid_out" }], meta: { webhook_id: id } } }),
    event: "paid_out",
    sign: ({ signs }, { body }) => ({ headers: { "Webhook-Signature": hmac(signs, "hex", body) } }),
    accept: (secret, { headers, body }) => verifyGoCardless(body, secret, headers["webhook-signature"]),
  },
  {
    preset: "hook0",
    package: "hook0-client",
    message: (id) => ({ body: { paid: true }, headers: { "X-Event-Id": id, "X-Event-Type": "billing.invoice.paid" } }),
    event: "billing.invoice.paid",
    time: "s",
    sign({ signs }, { body, headers, stamp }) {
      const names = Object.keys(headers).map((name) => name.toLowerCase());
      const signature = hmac(signs, "hex", [stamp, names.join(" "), ...Object.values(headers), ""].join("."), body);
      return { headers: { "X-Hook0-Signature": `t=${stamp},h=${names.join(" ")},v1=${signature}` } };
    },
    accept: (secret, { headers, body }) => verifyHook0(headers["x-hook0-signature"], body, new Headers(headers), secret, 300),
  },
  {
    preset: "linear",
    package: "@linear/sdk",
    message: (id, time) => ({ body: { type: "Issue", action: "update", data: { id }, webhookTimestamp: time }, headers: { "Linear-Delivery": id, "Linear-Event": "Issue" } }),
    event: "Issue",
    time: "ms",
    sign: ({ signs }, { body }) => ({ headers: { "Linear-Signature": hmac(signs, "hex", body) } }),
    accept: (secret, { headers, body }) => new LinearWebhookClient(secret).verify(body, headers["linear-signature"]),
    command: false, // the time stands in the body
  },
  {
    preset: "mux",
    package: "@mux/mux-node",
    message: (id) => ({ body: { id, type: "video.asset.ready" } }),
    event: "video.asset.ready",
    time: "s",
    sign: ({ signs }, { body, stamp }) => ({ headers: { "Mux-Signature": `t=${stamp},v1=${hmac(signs, "hex", `${stamp}.`, body)}` } }),
    accept: (secret, { headers, body }) => mux.webhooks.verifySignature(body.toString(), headers, secret),
  },
  {
    preset: "notion",
    package: "@notionhq/client",
    message: (id) => ({ body: { id, type: "page.created" } }),
    event: "page.created",
    sign: async ({ signs }, { body }) => ({ headers: { "X-Notion-Signature": await signWebhookPayload({ body, verificationToken: signs }) } }),
    accept: (secret, { headers, body }) => verifyWebhookSignature({ body, signature: headers["x-notion-signature"], verificationToken: secret }),
  },
  {
    preset: "paddle",
    package: "@paddle/paddle-node-sdk",
    message: (id) => ({ body: { notification_id: id, event_type: "transaction.paid" } }),
    event: "transaction.paid",
    time: "s",
    sign: ({ signs }, { body, stamp }) => ({ headers: { "Paddle-Signature": `ts=${stamp};h1=${hmac(signs, "hex", `${stamp}:`, body)}` } }),
    accept: (secret, { headers, body }) => new Paddle("unused").webhooks.isSignatureValid(body.toString(), secret, headers["paddle-signature"]),
  },
  {
    preset: "pusher",
    package: "pusher",
    message: () => ({ body: { time_ms: 1, events: [{ name: "channel_occupied", channel: randomBytes(8).toString("hex") }] }, headers: { "X-Pusher-Key": "key" } }),
    event: "channel_occupied",
    hasID: false,
    sign: ({ signs }, { body }) => ({ headers: { "X-Pusher-Signature": new Pusher.Token("key", signs).sign(body.toString()) } }),
    accept(secret, { headers, body }) {
      const client = new Pusher({ appId: "1", key: "key", secret, cluster: "eu" });
      // The command knows nothing of the header that names the key.
      return client.webhook({ headers: { "x-pusher-key": "key", ...headers }, rawBody: body.toString() }).isValid();
    },
  },
  {
    preset: "razorpay",
    package: "razorpay",
    message: (id) => ({ body: { event: "payment.captured", id }, headers: { "X-Razorpay-Event-Id": id } }),
    event: "payment.captured",
    sign: ({ signs }, { body }) => ({ headers: { "X-Razorpay-Signature": hmac(signs, "hex", body) } }),
    accept: (secret, { headers, body }) => Razorpay.validateWebhookSignature(body, headers["x-razorpay-signature"], secret),
  },
  {
    preset: "replicate",
    package: "replicate",
    newKeys: whsec,
    message: (id) => ({ body: { id: "prediction" }, headers: { "Webhook-Id": id } }),
    time: "s",
    sign: ({ signs }, { body, id, stamp }) => ({ headers: { "Webhook-Timestamp": stamp, "Webhook-Signature": standard(signs, id, stamp, body) } }),
    accept: (secret, { headers, body }) => validateReplicate({ headers, body: body.toString() }, secret),
  },
  {
    preset: "resend",
    package: "resend",
    newKeys: whsec,
    message: (id) => ({ body: { type: "email.delivered" }, headers: { "Svix-Id": id } }),
    event: "email.delivered",
    time: "s",
    sign: ({ signs }, { body, id, stamp }) => ({ headers: { "Svix-Timestamp": stamp, "Svix-Signature": standard(signs, id, stamp, body) } }),
    accept: (secret, { headers, body }) =>
      new Resend("re_unused").webhooks.verify({
        payload: body.toString(),
        headers: { id: headers["svix-id"], timestamp: headers["svix-timestamp"], signature: headers["svix-signature"] },
        webhookSecret: secret,
      }),
  },
  {
    preset: "sanity",
    package: "@sanity/webhook",
    message: (id) => ({ body: { _id: id }, headers: { "Idempotency-Key": id, "Sanity-Operation": "create" } }),
    event: "create",
    time: "ms",
    sign: async ({ signs }, { body, stamp }) => ({ headers: { "Sanity-Webhook-Signature": await encodeSignatureHeader(body.toString(), Number(stamp), signs) } }),
    accept: (secret, { headers, body }) => isValidSignature(body.toString(), headers["sanity-webhook-signature"], secret),
  },
  {
    preset: "sendgrid",
    package: "@sendgrid/eventwebhook",
    newKeys: p256,
    message: (id) => ({ body: [{ sg_event_id: id, event: "delivered" }] }),
    event: "delivered",
    time: "s",
    sign: ({ key }, { body, stamp }) => ({
      headers: {
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        "X-Twilio-Email-Event-Webhook-Signature": signBytes("sha256", Buffer.concat([Buffer.from(stamp), body]), key).toString("base64"),
      },
    }),
    accept(secret, { headers, body }) {
      const webhook = new EventWebhook();
      const [signature, timestamp] = ["signature", "timestamp"].map((name) => headers[`x-twilio-email-event-webhook-${name}`]);
      return webhook.verifySignature(webhook.convertPublicKeyToECDSA(secret), body, signature, timestamp);
    },
  },
  shopify("shopify", "X-Shopify-", (id) => ({ id }), "orders/create"),
  shopify("shopify-events", "Shopify-", (id) => ({ topic: "Product", action: "update", id }), "Product"),
  {
    preset: "wecom",
    package: "@wecom/crypto",
    options: ["allow_weak"],
    message(id) {
      const sealed = encrypt(randomBytes(32).toString("base64url"), `<xml><Event>${id}</Event></xml>`, "corp");
      return { body: `<xml><ToUserName><![CDATA[corp]]></ToUserName><Encrypt><![CDATA[${sealed}]]></Encrypt></xml>`, query: { nonce: id.replaceAll("-", "") } };
    },
    hasID: false,
    time: "s",
    sign: ({ signs }, { body, query, stamp }) => ({ query: { timestamp: stamp, msg_signature: getSignature(signs, stamp, query.nonce, sealedIn(body)) } }),
    accept(secret, { path, body }) {
      const query = new URLSearchParams(path.slice(path.indexOf("?")));
      return getSignature(secret, query.get("timestamp"), query.get("nonce"), sealedIn(body)) === query.get("msg_signature");
    },
    // Nothing is signed but the encrypted message.
    change: (body) => Buffer.from(body.toString().replace(/(?<=Encrypt><!\[CDATA\[)./, (first) => (first === "A" ? "B" : "A"))),
    command: false, // the signature stands in the query
  },
  {
    preset: "workos",
    package: "@workos-inc/node",
    message: (id) => ({ body: { id, event: "dsync.user.created" } }),
    event: "dsync.user.created",
    time: "ms",
    // The SDK takes the parsed body, and signs what JSON.stringify makes of it.
    sign: async ({ signs }, { body, stamp }) => ({ headers: { "WorkOS-Signature": `t=${stamp}, v1=${await workos.webhooks.computeSignature(stamp, JSON.parse(body), signs)}` } }),
    accept: (secret, { headers, body }) => workos.webhooks.verifyHeader({ payload: JSON.parse(body), sigHeader: headers["workos-signature"], secret }),
  },
];

const workos = new WorkOS("sk_unused");
const mux = new Mux({ tokenId: "unused", tokenSecret: "unused" });

/** Both kinds of Shopify's deliveries: webhooks, and what is to follow them, events. */
function shopify(name, prefix, body, topic) {
  return {
    preset: "shopify",
    package: "@shopify/shopify-api",
    name,
    message: (id) => ({
      body: body(id),
      headers: Object.fromEntries(
        Object.entries({
          Topic: topic, "Shop-Domain": "shop.myshopify.com", "API-Version": "2026-10", "Webhook-Id": id, "Event-Id": id,
          Action: "update", Handle: "handle", "Resource-Id": "gid://shopify/Product/1", "Triggered-At": "2026-01-01T00:00:00Z",
        }).map(([field, value]) => [prefix + field, value]),
      ),
    }),
    event: topic,
    sign: ({ signs }, { body }) => ({ headers: { [`${prefix}Hmac-Sha256`]: hmac(signs, "base64", body) } }),
    async accept(secret, { headers, body }) {
      const { webhooks } = shopifyApi({
        apiKey: "key", apiSecretKey: secret, apiVersion: ApiVersion.October25, hostName: "hooks.example.com", isEmbeddedApp: false, logger: { log() {} },
      });
      const told = await webhooks.validate({ rawBody: body.toString(), rawRequest: new Request("https://hooks.example.com/", { method: "POST", headers }) });
      // The command sends no other header than the scheme has.
      return told.valid || told.reason === "missing_headers";
    },
    command: prefix === "X-Shopify-",
  };
}

function hmac(secret, encoding, ...parts) {
  const state = createHmac("sha256", secret);
  for (const part of parts) state.update(part);
  return state.digest(encoding);
}

function standard(secret, id, stamp, body) {
  return new StandardWebhook(secret).sign(id, new Date(stamp * 1000), body.toString());
}

function whsec() {
  const text = `whsec_${randomBytes(24).toString("base64")}`;
  return { verifies: text, signs: text };
}

function ed25519(encoding) {
  const { privateKey: key } = generateKeyPairSync("ed25519");
  const raw = (member) => Buffer.from(key.export({ format: "jwk" })[member], "base64url");
  return { key, verifies: raw("x").toString(encoding), signs: Buffer.concat([raw("d"), raw("x")]).toString(encoding) };
}

function p256() {
  const { publicKey, privateKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const text = (which, type) => which.export({ type, format: "der" }).toString("base64");
  return { key, verifies: text(publicKey, "spki"), signs: text(key, "pkcs8") };
}

/** The encrypted message in WeCom's XML. */
function sealedIn(body) {
  return /<Encrypt><!\[CDATA\[(.*?)\]\]>/.exec(body)[1];
}
