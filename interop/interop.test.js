import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, test } from "node:test";

import * as adyen from "./adyen.js";
import { startApp } from "./app.js";
import { commandTests } from "./command.js";
import * as contentful from "./contentful.js";
import { findBinary, startGateway, temporaryDirectory } from "./gateway.js";
import * as github from "./github.js";
import * as httpMessage from "./httpmessage.js";
import * as publish from "./publish.js";
import { hangUp } from "./sender.js";
import * as signed from "./signed.js";
import * as standard from "./standard.js";
import * as stripe from "./stripe.js";
import * as twilio from "./twilio.js";
import * as vendors from "./vendors.js";

const secrets = {
  [adyen.secretName]: adyen.newSecret(),
  [contentful.secretName]: contentful.newSecret(),
  [github.secretName]: github.newSecret(),
  ...httpMessage.newSecrets(),
  ...publish.newSecrets(),
  ...signed.newSecrets(),
  [standard.secretNames.current]: standard.newSecret(),
  [standard.secretNames.previous]: standard.newSecret(),
  [stripe.secretName]: stripe.newSecret(),
  [twilio.secretName]: twilio.newSecret(),
  ...vendors.newSecrets(),
};

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

const directory = await temporaryDirectory();
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));

const app = await startApp();
const binary = await findBinary(directory);
const parts = [github, standard, stripe, signed, adyen, contentful, httpMessage, twilio, vendors, publish];
const site = parts.map((part) => part.site(app.address)).join("\n");
const gateway = await startGateway({ binary, directory, options: publish.options(directory), site, secrets });
after(async () => {
  hangUp();
  const code = await gateway.stop();
  await app.stop();
  assert.equal(code, 0, "exit code of the gateway");
});

const rig = { app, gateway, secrets, binary, directory };
github.githubTests(rig);
standard.standardTests(rig);
stripe.stripeTests(rig);
signed.signedTests(rig);
adyen.adyenTests(rig);
contentful.contentfulTests(rig);
httpMessage.httpMessageTests(rig);
twilio.twilioTests(rig);
vendors.vendorTests(rig);
commandTests(rig);
publish.publishTests(rig);

test("the gateway's log tells why, and no secret", () => {
  const log = gateway.log();
  assert.match(log, /signature_mismatch/);
  assert.match(log, /timestamp_too_old/);
  assert.match(log, /already_delivered/);
  for (const [name, secret] of Object.entries(secrets)) assert.ok(!log.includes(secret), `the log has ${name}`);
});
