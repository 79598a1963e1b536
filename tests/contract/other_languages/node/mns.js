// Talks to MNS with the official Node SDK and prints what it got as one line of JSON.
"use strict";

const { default: Client = require("@alicloud/mns") } = require("@alicloud/mns");

const { URL: endpoint, ACCESS_KEY_ID, ACCESS_KEY_SECRET, ACCOUNT_ID } = process.env;

const name = async (ask) => {
  try {
    await ask();
    return "none";
  } catch (refused) {
    return refused.name;
  }
};

const main = async () => {
  const client = new Client(ACCOUNT_ID, { accessKeyId: ACCESS_KEY_ID, accessKeySecret: ACCESS_KEY_SECRET, endpoint });
  const result = {};
  result.created = (await client.createQueue("from-node", { VisibilityTimeout: 60, PollingWaitSeconds: 0 })).code;
  result.again = (await client.createQueue("from-node", { VisibilityTimeout: 60, PollingWaitSeconds: 0 })).code;
  result.different = await name(() => client.createQueue("from-node", { VisibilityTimeout: 61 }));
  result.timeout = (await client.getQueueAttributes("from-node")).body.VisibilityTimeout;
  // No markup in it: this SDK writes texts into its XML unescaped.
  await client.sendMessage("from-node", { MessageBody: "grüße ☃", Priority: 3 });
  result.peeked = (await client.peekMessage("from-node")).body.MessageBody;
  const received = (await client.receiveMessage("from-node", 1)).body;
  result.received = [received.MessageBody, received.DequeueCount, received.Priority];
  result.hidden = await name(() => client.receiveMessage("from-node", 1));
  const kept = (await client.changeMessageVisibility("from-node", received.ReceiptHandle, 120)).body;
  result["stale handle"] = await name(() => client.deleteMessage("from-node", received.ReceiptHandle));
  result.deleted = (await client.deleteMessage("from-node", kept.ReceiptHandle)).code;
  await client.createTopic("news", { MaximumMessageSize: 2048 });
  result.topic = (await client.getTopicAttributes("news")).body.MaximumMessageSize;
  result.published = (await client.publishMessage("news", { MessageBody: "to nobody" })).body.MessageId.length;
  result["missing queue"] = await name(() => client.getQueueAttributes("none"));
  console.log(JSON.stringify(result));
};

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
