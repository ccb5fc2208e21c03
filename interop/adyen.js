import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";

import adyen from "@adyen/api-library";

import { allBits, flipBit } from "./sender.js";
import { trial } from "./trial.js";

const validator = new adyen.hmacValidator();

export const secretName = "ADYEN_HMAC_KEY";

export function site(upstream) {
  return `
	handle /adyen {
		webhook_verify adyen {
			secret {env.${secretName}} current
		}
		reverse_proxy ${upstream}
	}`;
}

const eventCodes = ["AUTHORISATION", "CANCELLATION", "CAPTURE", "CAPTURE_FAILED", "CHARGEBACK", "REFUND", "REFUND_FAILED", "REPORT_AVAILABLE"];

/** Registers the tests. */
export function adyenTests(rig) {
  const secret = rig.secrets[secretName];

  describe("Adyen: items signed by @adyen/api-library", () => {
    test("one of every kind", async () => {
      assert.equal(await trial(rig, eventCodes.map((eventCode) => delivery(secret, { eventCode }))), eventCodes.length);
    });

    test("a reference with the mark that stands between the values", async () => {
      await trial(rig, [delivery(secret, { merchantReference: "a:b\\c:12 €" })]);
    });

    test("an item without a value", async () => {
      await trial(rig, [delivery(secret, { originalReference: undefined, success: "false" })]);
    });

    test("nothing that is signed can be changed", async () => {
      const only = delivery(secret, {});
      const item = () => JSON.parse(only.body).notificationItems[0].NotificationRequestItem;
      const changed = (change) => {
        const forged = item();
        change(forged);
        return { body: bodyOf(forged) };
      };
      const signature = Buffer.from(item().additionalData.hmacSignature, "base64");
      only.forgeries = [
        ...["pspReference", "originalReference", "merchantAccountCode", "merchantReference", "eventCode", "success"].map((name) => changed((it) => (it[name] += "0"))),
        changed((it) => (it.amount.value += 1)),
        changed((it) => (it.amount.currency = "USD")),
        changed((it) => delete it.additionalData),
        ...allBits(signature.length).map((bit) => changed((it) => (it.additionalData.hmacSignature = flipBit(signature, bit).toString("base64")))),
      ];
      await trial(rig, [only]);
    });
  });
}

/** Makes a key: 32 bytes in hexadecimal digits. */
export function newSecret() {
  return randomBytes(32).toString("hex").toUpperCase();
}

const bodyOf = (item) => Buffer.from(JSON.stringify({ live: "false", notificationItems: [{ NotificationRequestItem: item }] }));

/** A delivery as Adyen sends it. */
function delivery(secret, values) {
  const item = {
    additionalData: {},
    amount: { value: 1130, currency: "EUR" },
    pspReference: randomBytes(8).toString("hex").toUpperCase(),
    eventCode: "AUTHORISATION",
    eventDate: new Date().toISOString(),
    merchantAccountCode: "TestMerchant",
    merchantReference: "TestPayment-1407325143704",
    originalReference: "",
    paymentMethod: "visa",
    success: "true",
    ...values,
  };
  item.additionalData.hmacSignature = validator.calculateHmac(item, secret);
  const changed = { ...item, amount: { ...item.amount, value: item.amount.value + 1 } };
  return {
    path: "/adyen",
    headers: { Accept: "*/*", "Content-Type": "application/json; charset=utf-8", "User-Agent": "Adyen HttpClient 1.0" },
    body: bodyOf(item),
    answered: "[accepted]",
    verified: { provider: "adyen", event: item.eventCode, id: item.pspReference, key: "current" },
    forgeries: [{ body: bodyOf(changed) }],
    copies: [{}],
    accept: (record) => assert.ok(validator.validateHMAC(JSON.parse(record.body).notificationItems[0].NotificationRequestItem, secret)),
  };
}
