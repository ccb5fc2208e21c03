import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

import { Webhook as StandardWebhook } from "standardwebhooks";
import * as svix2 from "svix";
import * as svix1 from "svix-v1";

const tokenName = "PUBLISH_TOKEN";

/** The clients, and what the second version of theirs calls by another name. */
const clients = [
  { name: "svix 1.99.1", ...svix1, update: "update", setHeaders: "updateHeaders", events: "filterTypes", rate: "rateLimit" },
  { name: "svix 2.5.0", ...svix2, update: "upsert", setHeaders: "setHeaders", events: "eventTypes", rate: "throttleRate" },
];

export function newSecrets() {
  return { [tokenName]: randomBytes(24).toString("base64url") };
}

/** The global option. Attempts follow each other at once, so that a message is soon given up. */
export function options(directory) {
  return `
	webhook_gateway {
		outbound {
			journal nats {
				dir ${path.join(directory, "journal")}
			}
			retries 1 delay 10ms
			allow_http
			allow_net 127.0.0.0/8
		}
	}`;
}

/** The directives of the API. */
export function site() {
  return `
	webhook_publish {
		token {env.${tokenName}}
	}`;
}

/** Registers the tests. */
export function publishTests(rig) {
  const token = rig.secrets[tokenName];
  let subscriber;
  before(async () => (subscriber = await startSubscriber()));
  after(() => subscriber.stop());

  for (const client of clients) {
    const connect = (as = token) => new client.Svix(as, { serverUrl: rig.gateway.url });

    describe(`the API of Svix, by ${client.name}`, () => {
      const svix = connect();
      const uid = `app-${randomBytes(4).toString("hex")}`;

      /** Makes an endpoint whose subscriber answers with a status. */
      const subscribe = async (status = 200, more = {}) => {
        const url = subscriber.url(status);
        const endpoint = await svix.endpoint.create(uid, { url, ...more });
        return { ...endpoint, url, key: (await svix.endpoint.getSecret(uid, endpoint.id)).key };
      };

      test("is working", async () => svix.health.get());

      test("keeps applications", async () => {
        const app = await svix.application.create({ name: "Acme", uid, [client.rate]: 500, metadata: { plan: "pro" } });
        assert.equal(app.uid, uid);
        assert.equal(app[client.rate], 500);
        assert.deepEqual(app.metadata, { plan: "pro" });
        assert.ok(Math.abs(app.createdAt - Date.now()) < 60_000);
        assert.equal((await svix.application.getOrCreate({ name: "other", uid })).id, app.id);
        assert.equal((await svix.application.get(uid)).id, app.id);
        assert.equal((await svix.application.patch(uid, { name: "Acme Inc." })).name, "Acme Inc.");
        assert.equal((await svix.application[client.update](uid, { name: "Acme", uid })).name, "Acme");
        assert.equal((await svix.application.create({ name: "once" }, { idempotencyKey: uid })).id, (await svix.application.create({ name: "once" }, { idempotencyKey: uid })).id);

        const ids = (await Promise.all([...Array(5)].map((_, i) => svix.application.create({ name: `page ${i}` })))).map(({ id }) => id);
        const listed = await all((iterator) => svix.application.list({ limit: 2, iterator }));
        for (const id of [app.id, ...ids]) assert.equal(listed.filter((each) => each.id === id).length, 1);
        for (const id of ids) await svix.application.delete(id);
        await refused(client, 404, () => svix.application.get(ids[0]));
      });

      test("keeps event types, and payloads to their schemas", async () => {
        const name = `invoice.${uid}`;
        const schemas = { 1: { type: "object", required: ["id"], properties: { id: { type: "string" } }, examples: [{ id: "inv_1" }] } };
        assert.deepEqual((await svix.eventType.create({ name, description: "paid", schemas })).schemas, schemas);
        assert.equal((await svix.eventType.patch(name, { deprecated: true })).deprecated, true);
        assert.equal((await svix.eventType[client.update](name, { description: "paid", schemas })).deprecated, false);
        await refused(client, 409, () => svix.eventType.create({ name, description: "again" }));
        assert.ok((await all((iterator) => svix.eventType.list({ limit: 1, iterator, withContent: true }))).some((each) => each.name === name && each.schemas));

        const error = await refused(client, 422, () => svix.message.create(uid, { eventType: name, payload: { id: 7 } }));
        assert.deepEqual(error.body.detail[0].loc, ["body", "payload", "id"]);
        await svix.message.create(uid, { eventType: name, payload: { id: "inv_2" } });

        await svix.eventType.delete(name);
        assert.equal((await svix.eventType.get(name)).archived, true);
        assert.ok(!(await all((iterator) => svix.eventType.list({ iterator }))).some((each) => each.name === name));
        await refused(client, 422, () => svix.message.create(uid, { eventType: name, payload: { id: "inv_3" } }));
        await svix.eventType.delete(name, { expunge: true });
        await refused(client, 404, () => svix.eventType.get(name));
      });

      test("keeps endpoints, their headers and their secrets", async () => {
        const made = await svix.endpoint.create(uid, { url: subscriber.url(200), uid: "first", [client.events]: ["order.*"], [client.rate]: 9, channels: ["eu"], description: "d", metadata: { k: "v" }, headers: { "X-Team": "a" } });
        assert.deepEqual(made[client.events], ["order.*"]);
        assert.equal(made[client.rate], 9);
        assert.deepEqual((await svix.endpoint.get(uid, "first")).metadata, { k: "v" });
        assert.equal((await svix.endpoint.patch(uid, "first", { disabled: true })).disabled, true);
        const replaced = await svix.endpoint[client.update](uid, "first", { url: made.url, uid: "first" });
        assert.deepEqual([replaced.disabled, replaced.description, replaced[client.events] ?? null], [false, "", null]);

        await svix.endpoint.patchHeaders(uid, "first", { headers: { Authorization: "Bearer of the subscriber" } });
        assert.deepEqual({ ...(await svix.endpoint.getHeaders(uid, "first")) }, { headers: { "X-Team": "a" }, sensitive: ["Authorization"] });
        await svix.endpoint.patchHeaders(uid, "first", { headers: {}, deleteHeaders: ["x-team"] });
        await svix.endpoint[client.setHeaders](uid, "first", { headers: { "X-Only": "o" } });
        assert.deepEqual({ ...(await svix.endpoint.getHeaders(uid, "first")) }, { headers: { "X-Only": "o" }, sensitive: [] });

        const { key } = await svix.endpoint.getSecret(uid, "first");
        assert.match(key, /^whsec_/);
        await svix.endpoint.rotateSecret(uid, "first");
        assert.notEqual((await svix.endpoint.getSecret(uid, "first")).key, key);

        for (let i = 0; i < 4; i++) await svix.endpoint.create(uid, { url: subscriber.url(200), uid: `page-${i}`, disabled: true });
        const newest = await all((iterator) => svix.endpoint.list(uid, { limit: 2, iterator }));
        assert.equal(newest.length, 5);
        const oldest = await all((iterator) => svix.endpoint.list(uid, { limit: 2, iterator, order: "ascending" }));
        assert.deepEqual(oldest.map(({ id }) => id), newest.map(({ id }) => id).reverse());
        for (const { id } of newest) await svix.endpoint.delete(uid, id);
        await refused(client, 404, () => svix.endpoint.get(uid, "first"));
      });

      test("sends messages that both libraries verify", async () => {
        const endpoint = await subscribe(200, { [client.events]: ["order.*"], channels: ["eu"] });
        const payload = { total: 12.5, text: "Zwölf Äpfel 🍏 <&>", list: [null, true, { a: [] }] };
        const message = await svix.message.create(uid, { eventType: "order.paid", eventId: `event-${uid}`, payload, channels: ["eu"], tags: ["t"] });
        assert.ok(message.id.startsWith("msg_"));
        const record = await subscriber.next(endpoint.url);
        assert.equal(record.body.toString(), JSON.stringify(payload));
        assert.equal(record.headers["webhook-id"], message.id);
        new StandardWebhook(endpoint.key).verify(record.body, record.headers);
        new client.Webhook(endpoint.key).verify(record.body.toString(), record.headers);
        assert.throws(() => new StandardWebhook(endpoint.key).verify(`${record.body} `, record.headers));

        // While a secret rolls, either will do.
        await svix.endpoint.rotateSecret(uid, endpoint.id, { gracePeriodSeconds: 3600 });
        const { key } = await svix.endpoint.getSecret(uid, endpoint.id);
        await svix.message.create(uid, { eventType: "order.sent", payload, channels: ["eu"] });
        const rolling = await subscriber.next(endpoint.url);
        for (const secret of [endpoint.key, key]) new StandardWebhook(secret).verify(rolling.body, rolling.headers);

        // Neither another type nor another channel.
        await svix.message.create(uid, { eventType: "refund.paid", payload, channels: ["eu"] });
        await svix.message.create(uid, { eventType: "order.paid", payload, channels: ["us"] });

        assert.deepEqual((await svix.message.get(uid, `event-${uid}`, { withContent: true })).payload, payload);
        await refused(client, 409, () => svix.message.create(uid, { eventType: "order.paid", eventId: `event-${uid}`, payload }));
        const twice = () => svix.message.create(uid, { eventType: "order.paid", payload }, { idempotencyKey: `key-${uid}` });
        assert.equal((await twice()).id, (await twice()).id);
        assert.deepEqual((await svix.message.list(uid, { tag: "t", withContent: true })).data.map(({ id, payload }) => [id, payload]), [[message.id, payload]]);
        assert.equal((await svix.message.list(uid, { eventTypes: ["order.sent", "refund.paid"] })).data.length, 2);
        assert.equal((await svix.message.list(uid, { channel: "us" })).data.length, 1);
        assert.equal((await svix.message.list(uid, { before: new Date(0) })).data.length, 0);
        const listed = await all((iterator) => svix.message.list(uid, { limit: 2, iterator }));
        assert.equal(new Set(listed.map(({ id }) => id)).size, listed.length);
        await svix.endpoint.delete(uid, endpoint.id);
        assert.equal(subscriber.left(endpoint.url), 1); // that of "twice", once
      });

      test("sends raw payloads, and brings an application along", async () => {
        const other = `${uid}-other`;
        await svix.message.create(other, { eventType: "a", payload: {}, application: { name: "Other", uid: other } });
        assert.equal((await svix.application.get(other)).name, "Other");
        const endpoint = await subscribe(200, { [client.events]: ["raw"] });
        await svix.message.create(uid, client.messageInRaw("raw", "<a>12 €</a>", "text/xml"));
        const record = await subscriber.next(endpoint.url);
        assert.equal(record.body.toString(), "<a>12 €</a>");
        assert.equal(record.headers["content-type"], "text/xml");
        await svix.endpoint.delete(uid, endpoint.id);
      });

      test("lists attempts and dead letters, and sends again", async () => {
        const endpoint = await subscribe(500, { [client.events]: ["dead"] });
        const message = await svix.message.create(uid, { eventType: "dead", payload: { n: 1 } });
        const dead = () => svix.messageAttempt.listAttemptedMessages(uid, endpoint.id, { status: 2, withContent: true });
        await until(async () => (await dead()).data.length === 1);
        assert.deepEqual((await dead()).data.map(({ id, status, statusText, payload }) => [id, status, statusText, payload]), [[message.id, 2, "fail", { n: 1 }]]);

        const attempts = (await svix.messageAttempt.listByMsg(uid, message.id, { withContent: true })).data;
        assert.deepEqual(attempts.map((a) => [a.responseStatusCode, a.status, a.response, a.triggerType, a.endpointId]), Array(2).fill([500, 2, "answer", 0, endpoint.id]));
        assert.equal((await svix.messageAttempt.get(uid, message.id, attempts[0].id)).url, endpoint.url);
        assert.equal((await svix.messageAttempt.listByEndpoint(uid, endpoint.id, { withMsg: true, statusCodeClass: 500 })).data[0].msg.id, message.id);
        assert.equal((await svix.messageAttempt.listByEndpoint(uid, endpoint.id, { statusCodeClass: 200 })).data.length, 0);
        const [destination] = (await svix.messageAttempt.listAttemptedDestinations(uid, message.id)).data;
        assert.deepEqual([destination.id, destination.status, destination.url], [endpoint.id, 2, endpoint.url]);

        const statistics = async () => {
          const { success, fail, pending, sending, canceled } = await svix.endpoint.getStats(uid, endpoint.id, { since: new Date(Date.now() - 3600_000) });
          return { success, fail, pending, sending, canceled };
        };
        assert.deepEqual(await statistics(), { success: 0, fail: 1, pending: 0, sending: 0, canceled: 0 });

        await svix.endpoint.patch(uid, endpoint.id, { url: subscriber.url(200, endpoint.url) });
        await svix.messageAttempt.resend(uid, message.id, endpoint.id);
        await until(async () => (await statistics()).success === 1);
        assert.equal((await svix.messageAttempt.listByMsg(uid, message.id, { status: 0 })).data[0].triggerType, 1);
        await svix.endpoint.delete(uid, endpoint.id);
      });

      test("recovers what failed and what was missed, and sends examples", async () => {
        const since = new Date(Date.now() - 3600_000);
        const missed = await svix.message.create(uid, { eventType: "recover", payload: { n: 1 } });
        const endpoint = await subscribe(500, { [client.events]: ["recover"] });
        const failed = await svix.message.create(uid, { eventType: "recover", payload: { n: 2 } });
        const succeeded = async () => (await svix.messageAttempt.listAttemptedMessages(uid, endpoint.id, { status: 0 })).data.map(({ id }) => id);
        await until(async () => (await svix.endpoint.getStats(uid, endpoint.id)).fail === 1);
        await svix.endpoint.patch(uid, endpoint.id, { url: subscriber.url(200, endpoint.url) });

        const recovery = await svix.endpoint.recover(uid, endpoint.id, { since });
        assert.deepEqual([recovery.status, recovery.task], ["finished", "endpoint.recover"]);
        assert.ok(recovery.updatedAt instanceof Date && recovery.id);
        await until(async () => (await succeeded()).includes(failed.id));
        assert.equal((await svix.endpoint.replayMissing(uid, endpoint.id, { since })).task, "endpoint.replay");
        await until(async () => (await succeeded()).includes(missed.id));

        const example = await svix.endpoint.sendExample(uid, endpoint.id, { eventType: "any.other" });
        await until(async () => (await succeeded()).includes(example.id));
        await svix.endpoint.delete(uid, endpoint.id);
      });

      test("tells errors as Svix does", async () => {
        await refused(client, 401, () => connect("not-the-token-of-anybody").application.list(), "authentication_failed");
        await refused(client, 404, () => svix.endpoint.list("nobody"), "not_found");
        await refused(client, 409, () => svix.application.create({ name: "x", uid }), "conflict");
        const error = await refused(client, 422, () => svix.endpoint.create(uid, { url: "ftp://example.com" }));
        assert.deepEqual(error.body.detail[0].loc, ["body", "url"]);
        assert.ok(error.body.detail[0].msg && error.body.detail[0].type);
        await refused(client, 422, () => svix.message.create(uid, { eventType: "not a name", payload: {} }));
        await refused(client, 422, () => svix.application.list({ limit: 251 }));
      });
    });
  }

  test("the API of Svix, by its Go module", async () => {
    const run = promisify(execFile)("go", ["run", "."], {
      cwd: path.join(import.meta.dirname, "svixgo"),
      env: { ...process.env, SERVER_URL: rig.gateway.url, [tokenName]: token },
    });
    await run;
  });

  describe("/publish", () => {
    const svix = new svix2.Svix(token, { serverUrl: rig.gateway.url });
    const publish = (body, headers = {}) =>
      fetch(`${rig.gateway.url}/publish`, { method: "POST", body, headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", ...headers } });
    let endpoint;
    before(async () => {
      await svix.application.getOrCreate({ name: "default", uid: "default" });
      const url = subscriber.url(200);
      endpoint = { url, ...(await svix.endpoint.create("default", { url, eventTypes: ["published.**"] })) };
    });
    after(() => svix.endpoint.delete("default", endpoint.id));

    test("takes a plain envelope as it is", async () => {
      const envelope = `{ "event":"published.plain", "data": {"total": 1.50}, "timestamp":"2026-01-01T00:00:00Z" }\n`;
      const response = await publish(envelope);
      assert.equal(response.status, 202);
      const { id } = await response.json();
      const record = await subscriber.next(endpoint.url);
      assert.equal(record.body.toString(), envelope);
      assert.equal(record.headers["webhook-id"], id);
    });

    test("takes CloudEvents, and each once", async () => {
      const event = { specversion: "1.0", id: randomBytes(4).toString("hex"), source: "/interop", type: "published.event", data: { n: 1 } };
      const headers = { "Content-Type": "application/cloudevents+json" };
      const first = await (await publish(JSON.stringify(event), headers)).json();
      const again = await (await publish(JSON.stringify(event), headers)).json();
      assert.deepEqual(again, first);
      const structured = await subscriber.next(endpoint.url);
      assert.equal(structured.body.toString(), JSON.stringify(event));
      assert.equal(structured.headers["content-type"], "application/cloudevents+json");

      await publish("12 €", { "Content-Type": "text/plain", "ce-specversion": "1.0", "ce-id": `${event.id}-2`, "ce-source": "/interop", "ce-type": "published.event" });
      const binary = await subscriber.next(endpoint.url);
      assert.equal(binary.body.toString(), "12 €");
      assert.deepEqual([binary.headers["content-type"], binary.headers["ce-id"], binary.headers["ce-type"]], ["text/plain", `${event.id}-2`, "published.event"]);
      assert.equal(subscriber.left(endpoint.url), 0);
    });

    test("takes nothing without the token", async () => {
      assert.equal((await publish("{}", { Authorization: "Bearer another-token-of-ours" })).status, 401);
    });
  });
}

/** Returns the items of all pages of a list. */
async function all(list) {
  const items = [];
  for (let iterator; ; ) {
    const page = await list(iterator);
    items.push(...page.data);
    if (page.done) return items;
    iterator = page.iterator;
  }
}

/** Asserts that a call fails as the client says it does, and returns the error. */
async function refused(client, status, call, code) {
  const error = await call().then(
    () => assert.fail(`was not refused with ${status}`),
    (error) => error,
  );
  assert.ok(error instanceof client.ApiException, error);
  assert.equal(error.code, status);
  if (code) assert.equal(error.body.code, code);
  return error;
}

const within = 20_000; // milliseconds

async function until(condition) {
  for (const deadline = Date.now() + within; !(await condition()); await pause(20)) {
    assert.ok(Date.now() < deadline, `nothing of it within ${within} ms: ${condition}`);
  }
}

/**
 * Starts subscribers that record what they get. Each has a URL of its own, which says what status it
 * answers with.
 */
async function startSubscriber() {
  const records = new Map();
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const [, status, name] = request.url.split("/");
    if (!records.has(name)) records.set(name, []);
    records.get(name).push({ headers: request.headers, body: Buffer.concat(chunks) });
    response.writeHead(Number(status)).end("answer");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const nameOf = (url) => url.split("/").at(-1);
  const of = (url) => records.get(nameOf(url)) ?? [];

  return {
    /** Returns the URL of a new subscriber, or of one that there is, with another answer. */
    url: (status, known) => `http://127.0.0.1:${server.address().port}/${status}/${known ? nameOf(known) : randomBytes(6).toString("hex")}`,

    /** Returns the oldest record of a subscriber, once there is one. */
    async next(url) {
      await until(() => of(url).length > 0);
      return of(url).shift();
    },

    /** How many records are left of a subscriber. */
    left: (url) => of(url).length,

    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
