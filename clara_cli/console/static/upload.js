// A new job: files and folders are dropped or chosen, and sent with their paths; how far it is is shown.
const form = document.getElementById("new-job");
const drop = document.getElementById("drop");
const inputs = [document.getElementById("job-files"), document.getElementById("job-folder")];
const said = document.getElementById("chosen");
const problem = document.getElementById("problem");
const progress = document.getElementById("progress");
let chosen = [];

for (const input of inputs) {
  input.addEventListener("change", () => take(input));
  // What was chosen before this was loaded.
  if (input.files.length) take(input);
}
drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("is-over");
});
drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("is-over");
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  // As on the command line: of one folder, what is in it; beside others it keeps its name.
  const alone = entries.length === 1 && entries[0].isDirectory;
  const found = [];
  for (const entry of entries) await walk(entry, alone ? "" : entry.name, found);
  choose(found);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (form.reportValidity()) send();
});

function take(input) {
  choose([...input.files].map((file) => ({ file, path: file.webkitRelativePath ? below(file.webkitRelativePath) : file.name })));
  input.value = "";
}

function below(path) {
  return path.slice(path.indexOf("/") + 1);
}

async function walk(entry, path, found) {
  if (entry.isFile) {
    found.push({ file: await new Promise((done, fail) => entry.file(done, fail)), path });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A folder is read some hundred entries at a time.
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return;
    for (const child of some) await walk(child, path ? `${path}/${child.name}` : child.name, found);
  }
}

function choose(files) {
  chosen = files;
  const size = files.reduce((sum, { file }) => sum + file.size, 0);
  said.textContent = files.length
    ? `${files.length} file${files.length === 1 ? "" : "s"}, ${shownSize(size)}: ${files.slice(0, 5).map(({ path }) => path).join(", ")}${files.length > 5 ? ", …" : ""}`
    : "They become the job's input. A job may have none.";
}

function shownSize(size) {
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (size < 1024) return `${unit === "B" ? size : size.toFixed(1)} ${unit}`;
    size /= 1024;
  }
  return `${size.toFixed(1)} TiB`;
}

function send() {
  const data = new FormData();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") data.append(name, value);
  for (const { file, path } of chosen) data.append("file", file, path);
  const button = form.querySelector("button.primary");
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("X-Clara-Form", document.querySelector("meta[name=clara-form]").content);
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => {
    progress.value = event.total ? event.loaded / event.total : 0;
  });
  request.addEventListener("loadend", () => {
    button.disabled = false;
    if (request.status === 201) {
      location.assign(request.response.address);
      return;
    }
    progress.hidden = true;
    const { error, hint } = request.response || {};
    problem.textContent = error ? [error, hint].filter(Boolean).join("\n") : "The console cannot be reached: nothing was kept.";
    problem.hidden = false;
  });
  problem.hidden = true;
  progress.hidden = !chosen.length;
  button.disabled = true;
  request.send(data);
}
