// What a drop holds: files, and the files in folders, however deep. Hidden files of the system are left out.

export const HIDDEN = /^(\.|thumbs\.db$|desktop\.ini$|__MACOSX)/i;

const entries = (reader) => new Promise((done, failed) => reader.readEntries(done, failed));
const fileOf = (entry) => new Promise((done, failed) => entry.file(done, failed));

async function* walk(entry) {
  if (HIDDEN.test(entry.name)) return;
  if (entry.isFile) { yield await fileOf(entry); return; }
  const reader = entry.createReader();
  for (let batch = await entries(reader); batch.length; batch = await entries(reader)) {
    for (const inner of batch) yield* walk(inner);
  }
}

/** All files of a drop. The entries must be taken at once: the drop is emptied after the event. */
export async function filesOfDrop(transfer) {
  const roots = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry());
  const files = [];
  for (const root of roots) for await (const file of walk(root)) files.push(file);
  return files;
}

/** The files of a file field, without the hidden ones of a chosen folder. */
export function filesOfPicker(picker) {
  return [...picker.files].filter((file) => !HIDDEN.test(file.name));
}
