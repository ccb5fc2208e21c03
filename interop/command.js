import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "node:test";

import { verify } from "@octokit/webhooks-methods";
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as SvixWebhook } from "svix";

import * as contentful from "./contentful.js";
import { examples } from "./examples.js";
import { environment } from "./gateway.js";
import * as github from "./github.js";
import * as httpMessage from "./httpmessage.js";
import * as standard from "./standard.js";
import * as stripe from "./stripe.js";

/** What `hookseal webhook send` signs for, and what the provider's SDK says of a record. */
const providers = {
  contentful,
  github: {
    newSecret: github.newSecret,
    async accept(secret, { body, headers }) {
      assert.ok(await verify(secret, body.toString(), headers["x-hub-signature-256"]), "not genuine");
    },
  },
  rfc9421: httpMessage,
  standard: {
    newSecret: standard.newSecret,
    accept(secret, { body, headers }) {
      new StandardWebhook(secret).verify(body, headers, { jsonParse: false });
      new SvixWebhook(secret).verify(body, headers);
    },
  },
  stripe: {
    newSecret: stripe.newSecret,
    accept: (secret, { body, headers }) => Stripe.webhooks.constructEvent(body, headers["stripe-signature"], secret),
  },
};

const bodies = {
  "a small object": Buffer.from(`{"id":"evt_1","type":"invoice.paid"}`),
  "blanks and a line break at the end": Buffer.from(`\r\n { "id" : "evt_2",\t"type" : "invoice.paid" } \r\n`),
  "text beyond ASCII": Buffer.from(`{"id":"evt_3","type":"invoice.paid","note":"Zwölf Äpfel, 12 € 🍏 \\u20ac"}`),
  "a real payload": Buffer.from(examples.get("push")[0]),
  "one MiB": Buffer.from(JSON.stringify({ id: "evt_5", type: "invoice.paid", filling: "0123456789abcdef".repeat(1 << 16) })),
};

/** Registers the tests. */
export function commandTests(rig) {
  const { app, binary, directory } = rig;
  for (const [provider, { newSecret, accept }] of Object.entries(providers)) {
    const secret = newSecret();

    describe(`hookseal webhook send --provider ${provider}: accepted by the official SDK`, () => {
      for (const [kind, body] of Object.entries(bodies)) {
        test(kind, async () => {
          const record = await send([], body);
          assert.equal(record.headers["content-type"], "application/json");
          await accept(secret, record);
          await assert.rejects(async () => accept(newSecret(), record), "the SDK accepts any secret");
          record.body[record.body.length >> 1] ^= 1;
          await assert.rejects(async () => accept(secret, record), "the SDK accepts any body");
        });
      }

      test("body and secret from files", async () => {
        const [secretFile, bodyFile] = ["secret", "body"].map((name) => path.join(directory, `${provider}.${name}`));
        await writeFile(secretFile, `${secret}\n`);
        await writeFile(bodyFile, bodies["a small object"]);
        await accept(secret, await send(["--secret-file", secretFile, "--body", bodyFile], bodies["a small object"], ""));
      });
    });

    const send = (flags, body, stdin) => sendSigned(rig, { provider, secret, flags, body, stdin });
  }

  test("hookseal webhook send --provider github: names event and id as GitHub does", async () => {
    const args = ["webhook", "send", `http://${app.address}/sent`, "--provider", "github", "--secret-env", "SECRET", "--event", "push"];
    const env = environment(directory, { SECRET: github.newSecret() });
    const cases = [
      { flags: ["--id", "72d3162e-cc78-11e3-81ab-4c9367dc0958"], id: /^72d3162e-cc78-11e3-81ab-4c9367dc0958$/ },
      { flags: [], id: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ },
    ];
    for (const { flags, id } of cases) {
      const { code, output } = await run(binary, [...args, ...flags], env, bodies["a real payload"]);
      assert.equal(code, 0, output);
      const [{ headers }] = app.drain();
      assert.equal(headers["x-github-event"], "push");
      assert.match(headers["x-github-delivery"], id);
    }
  });
}

/** Sends a body with `hookseal webhook send`, from its standard input, and returns what the app recorded. */
export async function sendSigned({ app, binary, directory }, { provider, secret, flags, body, stdin = body }) {
  const from = flags.includes("--secret-file") ? [] : ["--secret-env", "SECRET"];
  const args = ["webhook", "send", `http://${app.address}/sent`, "--provider", provider, ...from, ...flags];
  const { code, output } = await run(binary, args, environment(directory, { SECRET: secret }), stdin);
  assert.ok(!output.includes(secret), "the output has the secret");
  assert.equal(code, 0, output);
  const records = app.drain();
  assert.equal(records.length, 1, "requests sent");
  assert.ok(records[0].body.equals(body), "the body is not what was to be sent");
  return records[0];
}

/** Runs a command to its end. */
async function run(command, args, env, stdin) {
  const child = spawn(command, args, { env, timeout: 20_000 });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  child.stdin.on("error", () => {}); // it may end without reading
  child.stdin.end(stdin);
  const [code] = await once(child, "close");
  return { code, output };
}
