// zak_signed.mts: prints a ZAK
import { createHmac, randomUUID } from "node:crypto";

async function fetchZak(link: string, secret: string): Promise<string> {
  const message = `msg_${randomUUID()}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  // The body of a GET is empty.
  const digest = createHmac("sha256", key).update(`${message}.${timestamp}.`).digest("base64");
  const answer = await fetch(link, {
    headers: {
      "webhook-id": message,
      "webhook-timestamp": timestamp,
      "webhook-signature": `v1,${digest}`,
    },
  });
  if (!answer.ok) throw new Error(`no ZAK: ${await answer.text()}`);
  return await answer.text();
}

const { LINK, SECRET } = process.env;
if (!LINK || !SECRET) throw new Error("set LINK and SECRET");
console.log(await fetchZak(LINK, SECRET));
