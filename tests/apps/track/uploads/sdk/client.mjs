// Uploads one file as a program that uses tus-js-client would; prints one line of JSON at the end.

import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";

import { Upload } from "tus-js-client";

const { endpoint, token, file, ...options } = JSON.parse(process.argv[2]);
let retries = 0;

const upload = new Upload(createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: basename(file), filetype: "audio/flac" },
  uploadSize: statSync(file).size,
  retryDelays: Array(40).fill(100),
  ...options,
  onShouldRetry: (error, attempt, { retryDelays }) => {
    retries += 1;
    const status = error.originalResponse?.getStatus() ?? 0;
    return status < 400 || status >= 500 || [409, 423].includes(status);
  },
  onSuccess: () => {
    console.log(JSON.stringify({ url: upload.url, retries }));
  },
  onError: (error) => {
    console.log(JSON.stringify({ error: String(error), retries }));
    process.exit(1);
  },
});
upload.start();
