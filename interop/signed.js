import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createPublicKey, generateKeyPairSync, randomBytes, verify } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { before, describe, test } from "node:test";
import { promisify } from "node:util";

import { sign } from "@octokit/webhooks-methods";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";

import { accepted } from "./app.js";
import { examples } from "./examples.js";
import { freePort, listening } from "./gateway.js";
import { flipBit, post, someBit } from "./sender.js";

const senderSecret = "SIGNED_GITHUB_WEBHOOK_SECRET";
const internalSecret = "INTERNAL_WEBHOOK_SECRET";
const internalKey = "INTERNAL_WEBHOOK_KEY";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");

/** The secrets of the route, by the names of their variables. */
export function newSecrets() {
  const raw = (key, type) => Buffer.from(key.export({ format: "jwk" })[type], "base64url");
  return {
    [senderSecret]: randomBytes(20).toString("hex"),
    [internalSecret]: `whsec_${randomBytes(24).toString("base64")}`,
    [internalKey]: `whsk_${Buffer.concat([raw(privateKey, "d"), raw(publicKey, "x")]).toString("base64")}`,
  };
}

/** The directives of the route: what GitHub signed is signed again for the app. */
export function site(upstream) {
  return `
	handle /signed {
		webhook_verify github {
			name signed
			secret {env.${senderSecret}}
		}
		webhook_sign standard {
			secret {env.${internalSecret}}
			secret {env.${internalKey}}
		}
		reverse_proxy ${upstream}
	}`;
}

/** Registers the tests. */
export function signedTests(rig) {
  const secret = rig.secrets[internalSecret];

  /** Sends a payload through the gateway and returns what the app got. */
  async function received(event, text) {
    const headers = {
      "Content-Type": "application/json",
      "X-GitHub-Event": event,
      "X-Hub-Signature-256": await sign(rig.secrets[senderSecret], text),
      // A sender's own, which must not reach the app.
      "Webhook-Id": "msg_forged",
      "Svix-Id": "msg_forged",
    };
    assert.equal((await post(`${rig.gateway.url}/signed`, headers, Buffer.from(text))).status, accepted);
    const [record, ...more] = rig.app.drain();
    assert.equal(more.length, 0);
    assert.equal(record.body.toString(), text);
    return record;
  }

  describe("webhook_sign: what GitHub signed, signed again as Standard Webhooks", () => {
    test("standardwebhooks and svix accept every payload, and none that was changed", async (t) => {
      let count = 0;
      for (const [event, [text]] of examples) {
        if (event === "ping") continue; // the gateway answers it
        const { headers, body } = await received(event, text);
        for (const Webhook of [StandardWebhook, SvixWebhook]) {
          new Webhook(secret).verify(body, headers); // throws if it refuses
          assert.throws(() => new Webhook(secret).verify(flipBit(body, someBit(body)), headers));
        }
        count++;
      }
      t.diagnostic(`${count} payloads`);
      assert.ok(count > 50);
    });

    test("Node's own Ed25519 accepts the asymmetric signature", async () => {
      const { headers, body } = await received("ping", JSON.stringify({ nonce: randomBytes(8).toString("hex") }));
      const signature = headers["webhook-signature"].split(" ").find((entry) => entry.startsWith("v1a,"));
      const content = (text) => Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${text}`);
      const bytes = Buffer.from(signature.slice("v1a,".length), "base64");
      assert.ok(verify(null, content(body), createPublicKey(publicKey.export({ format: "pem", type: "spki" })), bytes));
      assert.ok(!verify(null, content(`${body} `), publicKey, bytes));
    });

    describe("the README's receivers", () => {
      const nonce = randomBytes(8).toString("hex");
      const kinds = { JSON: JSON.stringify({ nonce }), "a form": `payload=${nonce}`, "a text": `${nonce}, neither of them: 12 €` };
      const records = {}; // one of each for all languages: a second would be a copy
      before(async () => {
        for (const [kind, text] of Object.entries(kinds)) records[kind] = await received("ping", text);
      });

      for (const language of Object.keys(startReceiver)) {
        test(`in ${language}: accepts what was signed, and nothing that was changed`, async (t) => {
          const url = await startReceiver[language](t, rig.directory, secret);
          for (const [kind, { headers, body }] of Object.entries(records)) {
            assert.ok(success.includes((await post(url, headers, body)).status), kind);
            assert.equal((await post(url, headers, Buffer.from(`${body} `))).status, 401, kind);
            assert.equal((await post(url, { ...headers, "webhook-id": "msg_other" }, body)).status, 401, kind);
            assert.equal((await post(url, headers, flipBit(body, someBit(body)))).status, 401, kind);
          }
        });
      }
    });
  });
}

const success = [200, 204];

/** Run the README's examples of a receiver until the test ends, and return their URLs. */
const startReceiver = {
  async Node(t, directory, secret) {
    const home = await mkdtemp(path.join(directory, "receiver-"));
    await symlink(path.join(import.meta.dirname, "node_modules"), path.join(home, "node_modules"));
    await writeFile(path.join(home, "receiver.mjs"), await readmeBlock("js"));
    return start(t, process.execPath, [path.join(home, "receiver.mjs")], secret);
  },

  async Go(t, directory, secret) {
    const home = path.join(import.meta.dirname, "receiver");
    assert.equal(await readFile(path.join(home, "main.go"), "utf8"), await readmeBlock("go"), "receiver/main.go is not what the README has");
    const binary = path.join(directory, "receiver");
    await promisify(execFile)("go", ["build", "-o", binary, "."], { cwd: home });
    return start(t, binary, [], secret);
  },
};

/** Returns the README's block of code in a language. */
async function readmeBlock(language) {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  return new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(readme)[1];
}

async function start(t, command, args, secret) {
  const port = await freePort();
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, PORT: String(port), [internalSecret]: secret },
    stdio: "ignore",
  });
  const exited = once(child, "exit");
  t.after(() => {
    child.kill();
    return exited;
  });
  assert.ok(await listening(port, () => child.exitCode === null), "the receiver did not start");
  return `http://localhost:${port}`;
}
