// Uploads three files in one stream, as Node services do, and prints what the server says with enums as words.
// Words: address, folder of the .proto files, definition. The proto files are loaded from their text.
const fs = require("fs");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [address, protos, definition] = process.argv.slice(2);
const names = ["pipelines", "jobs", "payloads"].map((name) => `nvidia/clara/platform/${name}.proto`);
const options = { keepCase: true, longs: Number, enums: String, defaults: true, includeDirs: [protos] };
const { platform } = grpc.loadPackageDefinition(loader.loadSync(names, options)).nvidia.clara;
const credentials = grpc.credentials.createInsecure();
const header = { api_version: { major: 10, minor: 10 }, user_agent: "node" };

const unary = (client, method, request) =>
  new Promise((resolve, reject) => client[method]({ header, ...request }, (error, got) => (error ? reject(error) : resolve(got))));

const sent = (client, method, requests) =>
  new Promise((resolve, reject) => {
    const call = client[method]((error, got) => (error ? reject(error) : resolve(got)));
    requests.forEach((request) => call.write(request));
    call.end();
  });

const received = (client, method, request) =>
  new Promise((resolve, reject) => {
    const found = [];
    const call = client[method]({ header, ...request });
    call.on("data", (message) => found.push(message));
    call.on("error", reject);
    call.on("end", () => resolve(found));
  });

async function main() {
  const pipelines = new platform.Pipelines(address, credentials);
  const jobs = new platform.Jobs(address, credentials);
  const payloads = new platform.Payloads(address, credentials);

  const content = fs.readFileSync(definition, "utf8");
  const half = content.length / 2;
  const part = (text) => ({ header, definition: { path: "./Copy.yaml", content: text } });
  // The second half under a name that differs by case.
  const second = { definition: { path: "./copy.YAML", content: content.slice(half) } };
  const { pipeline_id } = await sent(pipelines, "Create", [part(content.slice(0, half)), second]);
  const { job_id, payload_id } = await unary(jobs, "Create", { pipeline_id, name: "node", priority: 0 });

  // The size of the whole file in every chunk, the header and the payload in the first alone.
  const details = (name, size) => ({ name, size, mode: name.endsWith(".sh") ? 0o755 : 0 });
  const uploaded = await sent(payloads, "Upload", [
    { header, payload_id, details: details("series/1.dcm", 6), data: Buffer.from("one") },
    { details: details("series/1.dcm", 6), data: Buffer.from("ONE") },
    { details: details("series/2.sh", 3), data: Buffer.from("two") },
    { details: details("empty.txt", 0), data: Buffer.alloc(0) },
  ]);
  const before = await unary(jobs, "Status", { job_id });
  const listed = await received(payloads, "Details", { payload_id });
  const files = {};
  for (const { file } of listed) {
    const parts = await received(payloads, "Download", { payload_id, name: file.name });
    files[file.name] = [Buffer.concat(parts.map((one) => one.data)).toString(), file.mode.toString(8), parts.length];
  }
  const started = await unary(jobs, "Start", { job_id });
  let status = before;
  while (status.state !== "JOB_STATE_STOPPED") status = await unary(jobs, "Status", { job_id });
  const refused = await unary(jobs, "Start", { job_id });
  const jobsListed = (await received(jobs, "List", {})).map(({ job_details }) => [job_details.job_name, job_details.state]);

  console.log(JSON.stringify({
    uploaded: uploaded.details, before: [before.state, before.status, before.priority], files,
    type: listed[0].type, started: started.status, ended: [status.state, status.status, status.priority],
    operators: status.operator_details.map(({ name, status: ended }) => [name, ended]),
    times: [status.timestamp_created, status.created.value, before.started],
    refused: [refused.header.code, refused.header.messages.length > 0], jobs: jobsListed,
  }));
}

main().catch((error) => { console.error(error); process.exit(1); });
