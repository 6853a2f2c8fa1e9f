// Restricted evidence, opened and sealed by Node's crypto: written from
// docs/explanation/restricted-evidence.md alone, and sharing no line with the platform.
//
//   node sealed.mjs open DIR    reads kek, context.json, record, container; writes plain
//   node sealed.mjs seal DIR    reads kek, context.json, plain; writes record, container
//
// context.json has evidence_id, blob_name, classification, schema_version, kek_id and
// kek_version. What is not to be opened ends with status 1 and a word on why.

import { createCipheriv, createDecipheriv, createHash, createHmac } from "node:crypto";
import { hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SEGMENT = 65536;
const BLOCK = Buffer.from("00000001000000000020", "hex");
const FORM = Buffer.from("SRKR\x01\x01", "latin1");
const INNER = 0xffffffff;

function require_(holds, why) {
  if (!holds) throw new Error(why);
}

function u16(number) {
  const made = Buffer.alloc(2);
  made.writeUInt16BE(number);
  return made;
}

function u32(number) {
  const made = Buffer.alloc(4);
  made.writeUInt32BE(number);
  return made;
}

function u64(number) {
  const made = Buffer.alloc(8);
  made.writeBigUInt64BE(BigInt(number));
  return made;
}

function text(value) {
  const data = Buffer.from(value, "utf8");
  return Buffer.concat([u16(data.length), data]);
}

function same(one, other) {
  return one.length === other.length && timingSafeEqual(one, other);
}

function gcm(key, nonce, aad, plain) {
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function ungcm(key, nonce, aad, sealed, why) {
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(sealed.length - 16));
  const plain = decipher.update(sealed.subarray(0, sealed.length - 16));
  try {
    decipher.final();
  } catch {
    throw new Error(why);
  }
  return plain;
}

// HKDF-Expand for up to 48 bytes is one HMAC.
function expand(key, info, size) {
  const mac = createHmac("sha384", key);
  return mac.update(info).update(Buffer.of(1)).digest().subarray(0, size);
}

function contextBlock(context) {
  return Buffer.concat([
    text(context.evidence_id),
    text(context.blob_name),
    Buffer.of(context.classification),
    u16(context.schema_version),
  ]);
}

function kekBlock(context) {
  return Buffer.concat([text(context.kek_id), u32(context.kek_version)]);
}

function checkValue(kek, context) {
  const info = Buffer.concat([Buffer.from("sr/kek-check/v1"), kekBlock(context)]);
  return Buffer.from(hkdfSync("sha384", kek, Buffer.alloc(0), info, 32));
}

function wrapping(kek, context, salt) {
  const label = Buffer.from("sr/wrap/v1");
  const info = Buffer.concat([label, contextBlock(context), kekBlock(context)]);
  const both = Buffer.from(hkdfSync("sha384", kek, salt, info, 44));
  return { key: both.subarray(0, 32), nonce: both.subarray(32) };
}

function head(kek, context, container, salt) {
  return Buffer.concat([
    FORM,
    contextBlock(context),
    kekBlock(context),
    checkValue(kek, context),
    u64(container.length),
    createHash("sha256").update(container).digest(),
    salt,
  ]);
}

function dataKey(record, kek, context, container) {
  const salt = record.subarray(record.length - 80, record.length - 48);
  const expected = head(kek, context, container, salt);
  // Every byte of the head follows from what was asked for, the KEK and the container.
  require_(same(record.subarray(0, record.length - 48), expected), "another head");
  const { key, nonce } = wrapping(kek, context, salt);
  return ungcm(key, nonce, expected, record.subarray(record.length - 48), "record");
}

function message(key, iv, context) {
  const aad = Buffer.concat([Buffer.from("sr/restricted/v1"), contextBlock(context)]);
  const info = (purpose) => Buffer.concat([BLOCK, iv, purpose, aad]);
  const messageKey = expand(key, info(Buffer.from("MESSAGE_KEY:")), 48);
  return {
    tag: expand(key, info(Buffer.from("HEADER_TAG:")), 32),
    segmentKey(position) {
      const first = position - (position % 2 ** 20);
      return expand(messageKey, info(Buffer.concat([Buffer.from("DEK:"), u64(first)])), 32);
    },
  };
}

function segmentAad(position, isLast) {
  return Buffer.concat([u64(position), Buffer.of(isLast ? 1 : 0)]);
}

function openContainer(container, key, context) {
  require_(container.length >= 74, "short header");
  require_(container.subarray(0, 10).equals(BLOCK), "other parameters");
  const keys = message(key, container.subarray(10, 42), context);
  require_(same(container.subarray(42, 74), keys.tag), "header tag");
  const plain = [];
  let at = 74;
  for (let position = 0, isLast = false; !isLast; position += 1) {
    require_(container.length - at >= 32, "no last segment");
    const length = container.readUInt32BE(at);
    isLast = length !== INNER;
    const size = isLast ? length : SEGMENT;
    require_(size >= 32 && size <= SEGMENT, "length field");
    require_(container.length - at >= size, "cut segment");
    const nonce = container.subarray(at + 4, at + 16);
    const sealed = container.subarray(at + 16, at + size);
    const aad = segmentAad(position, isLast);
    plain.push(ungcm(keys.segmentKey(position), nonce, aad, sealed, "segment"));
    at += size;
  }
  require_(at === container.length, "bytes after the last segment");
  return Buffer.concat(plain);
}

function sealContainer(plain, key, context) {
  const iv = randomBytes(32);
  const keys = message(key, iv, context);
  const parts = [BLOCK, iv, keys.tag];
  const step = SEGMENT - 32;
  const count = Math.max(1, Math.ceil(plain.length / step));
  for (let position = 0; position < count; position += 1) {
    const piece = plain.subarray(position * step, (position + 1) * step);
    const isLast = position === count - 1;
    const nonce = randomBytes(12);
    const aad = segmentAad(position, isLast);
    const sealed = gcm(keys.segmentKey(position), nonce, aad, piece);
    parts.push(u32(isLast ? piece.length + 32 : INNER), nonce, sealed);
  }
  return Buffer.concat(parts);
}

function seal(plain, kek, context) {
  const key = randomBytes(32);
  const container = sealContainer(plain, key, context);
  const salt = randomBytes(32);
  const bound = head(kek, context, container, salt);
  const wrap = wrapping(kek, context, salt);
  const record = Buffer.concat([bound, gcm(wrap.key, wrap.nonce, bound, key)]);
  return { container, record };
}

const [, , act, folder] = process.argv;
const read = (name) => readFileSync(join(folder, name));
const write = (name, data) => writeFileSync(join(folder, name), data);
const kekText = read("kek").toString();
require_(kekText.startsWith("base64:"), "a KEK is tagged");
const kek = Buffer.from(kekText.slice(7), "base64");
const context = JSON.parse(read("context.json"));
if (act === "seal") {
  const { container, record } = seal(read("plain"), kek, context);
  write("container", container);
  write("record", record);
} else {
  const container = read("container");
  const key = dataKey(read("record"), kek, context, container);
  write("plain", openContainer(container, key, context));
}
