// An authenticator app: what it shows, by RFC 6238 and nothing but Node.

import { createHmac } from "node:crypto";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const PERIOD = 30_000;

/** The code that an authenticator with this secret shows at `now`. */
export function shows(secret: string, now = Date.now()): string {
  const bits = [...secret.replace(/[^A-Z2-7]/g, "")].map((letter) => LETTERS.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(now / PERIOD)));
  const digest = createHmac("sha1", key).update(counter).digest();
  const at = digest[19] & 15;
  return String((digest.readUInt32BE(at) & 0x7fff_ffff) % 1_000_000).padStart(6, "0");
}

/** A code that was not shown before: of the next period, which a server takes as a clock that is ahead. */
export function showsNext(secret: string): string {
  return shows(secret, Date.now() + PERIOD);
}
