// A system of the customer's that is told of events: it keeps what it gets, and verifies it as the specifications say.

import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { once } from "node:events";
import { type IncomingHttpHeaders, type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "./test";

export interface Message {
  headers: IncomingHttpHeaders;
  body: string;
}

export class Receiver {
  readonly messages: Message[] = [];
  /** What it answers from now on. */
  answer: { status: number; body?: string } = { status: 204 };

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Receiver> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const receiver = new Receiver(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/rollcall`);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk) => chunks.push(chunk));
      request.on("end", () => {
        receiver.messages.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(receiver.answer.status).end(receiver.answer.body);
      });
    });
    return receiver;
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  /** The messages that tell such an event, once there are `count` of them. */
  async told(type: string, count = 1): Promise<Message[]> {
    const told = () => this.messages.filter(({ body }) => body.startsWith("{") && JSON.parse(body).type === type);
    await expect.poll(() => told().length, { message: `${count} × ${type}`, timeout: 15_000 }).toBeGreaterThanOrEqual(count);
    return told();
  }
}

/** How many of a message's signatures this secret made, by the Standard Webhooks specification. */
export function signaturesBy(secret: string, { headers, body }: Message): number {
  expect(secret).toMatch(/^whsec_/);
  const seconds = Number(headers["webhook-timestamp"]);
  expect(Math.abs(Date.now() / 1_000 - seconds), "it was signed just now").toBeLessThan(60);
  const signed = `${headers["webhook-id"]}.${seconds}.${body}`;
  const wanted = createHmac("sha256", Buffer.from(secret.slice("whsec_".length), "base64")).update(signed).digest();
  const signatures = String(headers["webhook-signature"]).split(" ");
  return signatures.filter((signature) => {
    const [version, value] = signature.split(",");
    const bytes = Buffer.from(value, "base64");
    return version === "v1" && bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
  }).length;
}

/** The claims of a Security Event Token, once one of the published keys has verified it. */
export async function claimsOf({ headers, body }: Message, jwksUrl: string): Promise<any> {
  expect(headers["content-type"]).toBe("application/secevent+jwt");
  const [head, claims, signature] = body.split(".");
  const decoded = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
  const { alg, typ, kid } = decoded(head);
  expect({ alg, typ }).toEqual({ alg: "ES256", typ: "secevent+jwt" });
  const { keys } = await (await fetch(jwksUrl)).json();
  const key = createPublicKey({ key: keys.find((key: { kid: string }) => key.kid === kid), format: "jwk" });
  const good = verify("sha256", Buffer.from(`${head}.${claims}`), { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
  expect(good, "the signature").toBe(true);
  return decoded(claims);
}
