// Talks to OSS with the official Node SDK and prints what it got as one line of JSON.
"use strict";

const OSS = require("ali-oss");

const { URL: address, ACCESS_KEY_ID, ACCESS_KEY_SECRET, REGION, SIGNATURE, PATH_STYLE } = process.env;
const BUCKET = `from-node-v${SIGNATURE}`;

const code = async (ask) => {
  try {
    await ask();
    return "none";
  } catch (refused) {
    return refused.code;
  }
};

const main = async () => {
  const client = new OSS({
    endpoint: address,
    secure: address.startsWith("https:"),
    region: `oss-${REGION}`,
    accessKeyId: ACCESS_KEY_ID,
    accessKeySecret: ACCESS_KEY_SECRET,
    authorizationV4: SIGNATURE === "4",
    // Given an address for an endpoint, this SDK calls it by the name the bucket has in the cloud.
    sldEnable: PATH_STYLE === "yes",
  });
  const result = {};
  await client.putBucket(BUCKET);
  client.useBucket(BUCKET);
  result.location = (await client.getBucketInfo(BUCKET)).bucket.Location;

  const key = "päth/a b+c.txt";
  await client.put(key, Buffer.from("hello from Node"), { mime: "text/plain", meta: { colour: "blue" } });
  const got = await client.get(key);
  result.content = got.content.toString();
  const head = await client.head(key);
  result.metadata = head.meta.colour;
  result.type = head.res.headers["content-type"];
  result.range = (await client.get(key, { headers: { Range: "bytes=6-9" } })).content.toString();
  await client.putObjectTagging(key, { a: "1", b: "2" });
  result.tags = (await client.getObjectTagging(key)).tag;
  await client.copy("copy", key);
  await client.putSymlink("link", key, { storageClass: "Standard" });
  result.target = (await client.getSymlink("link")).targetName;
  const first = await client.append("log", Buffer.from("ab"));
  result.appended = (await client.append("log", Buffer.from("cd"), { position: first.nextAppendPosition })).nextAppendPosition;

  const big = Buffer.alloc(320_000, "0123456789abcdef");
  await client.multipartUpload("big", big, { partSize: 128 * 1024, parallel: 2 });
  result["big agrees"] = big.equals((await client.get("big")).content);

  const listed = [];
  let token;
  do {
    const page = await client.listV2({ delimiter: "/", "max-keys": "2", "continuation-token": token });
    listed.push(...(page.objects || []).map((object) => object.name), ...(page.prefixes || []));
    token = page.nextContinuationToken;
  } while (token);
  result.listed = listed;
  if (PATH_STYLE === "yes") {
    // It signs no address of an endpoint that is an IP address.
    const v4 = () => client.signatureUrlV4("GET", 60, undefined, key);
    result.signed = SIGNATURE === "4" ? await v4() : client.signatureUrl(key, { expires: 60 });
  }

  await client.putBucketVersioning(BUCKET, "Enabled");
  const old = await client.put("v", Buffer.from("old"));
  await client.put("v", Buffer.from("new"));
  await client.delete("v");
  const versionId = old.res.headers["x-oss-version-id"];
  result.old = (await client.get("v", { versionId })).content.toString();
  const versions = await client.getBucketVersions({ prefix: "v" });
  result.versions = [versions.objects.length, versions.deleteMarker.length];
  await client.deleteMulti([{ key: "v", versionId: versions.deleteMarker[0].versionId }]);
  result.restored = (await client.get("v")).content.toString();

  result["missing key"] = await code(() => client.get("none"));
  client.useBucket("none-such");
  result["missing bucket"] = await code(() => client.get("none"));
  console.log(JSON.stringify(result));
};

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
