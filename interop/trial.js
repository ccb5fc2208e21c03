import assert from "node:assert/strict";

import { accepted } from "./app.js";
import { post } from "./sender.js";

/**
 * Takes deliveries through the gateway and returns how many the app got.
 *
 * A delivery is
 *   path       where it is sent,
 *   headers    the provider's, exactly these,
 *   body       a Buffer,
 *   forwarded  the path at which the app must get it (default: path),
 *   answered   what the sender is told of one that was accepted (default: nothing),
 *   verified   what Webhook-Verified-* must say: { provider, event, id, timestamp, key },
 *   forgeries  what must be refused: [{ path, headers, body }], each defaulting to the delivery's own,
 *   copies     what must be dropped once it was delivered, likewise,
 *   accept     asks the provider's SDK in the app about the record: throws if it refuses it.
 *
 * The forgeries come first: they must not use up the claim of the genuine delivery.
 */
export async function trial({ gateway, app }, deliveries) {
  assert.equal(app.drain().length, 0, "requests at the app before the trial");

  /** Sends a variant of each and checks the answers. Returns what the app got. */
  const send = async (kind, variants, expected) => {
    const answers = await Promise.all(
      variants.map(([delivery, { path, headers, body }]) => post(gateway.url + (path ?? delivery.path), headers ?? delivery.headers, body ?? delivery.body)),
    );
    const records = app.drain();
    answers.forEach((answer, i) => assert.deepEqual(answer, { status: expected, body: expected === 401 ? "" : (variants[i][0].answered ?? "") }, `answer to ${kind} of ${variants[i][0].verified.event}`));
    return records;
  };
  const all = (kind) => deliveries.flatMap((delivery) => delivery[kind].map((variant) => [delivery, variant]));

  const forged = await send("a forgery", all("forgeries"), 401);
  assert.equal(forged.length, 0, "forgeries that reached the app");

  const records = await send("a delivery", deliveries.map((delivery) => [delivery, {}]), accepted);
  assert.equal(records.length, deliveries.length, "deliveries that reached the app");
  const byID = new Map(records.map((record) => [record.headers["webhook-verified-id"], record]));
  for (const delivery of deliveries) await check(byID.get(delivery.verified.id), delivery);

  const copied = await send("a copy", all("copies"), 200);
  assert.equal(copied.length, 0, "copies that reached the app");
  return records.length;
}

/** Checks that the app got what was sent. */
async function check(record, { path, forwarded = path, headers, body, verified, accept }) {
  assert.ok(record, `no record with the id of ${verified.event}`);
  assert.equal(record.method, "POST");
  assert.equal(record.path, forwarded);
  assert.ok(record.body.equals(body), `body of ${verified.event} is not what was sent`);

  const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const arrived = Object.fromEntries(Object.keys(sent).map((name) => [name, record.headers[name]]));
  assert.deepEqual(arrived, sent);

  const prefix = "webhook-verified-";
  const said = Object.entries(record.headers).filter(([name]) => name.startsWith(prefix));
  assert.deepEqual(Object.fromEntries(said.map(([name, value]) => [name.slice(prefix.length), value])), verified);
  await accept?.(record);
}
