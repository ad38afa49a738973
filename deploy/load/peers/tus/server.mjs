// The reference server of the tus project, with files on disk:
// node server.mjs <port> <folder> [sync-and-hash]
import { createHash } from "node:crypto"
import { open } from "node:fs/promises"
import { join } from "node:path"

import { FileStore } from "@tus/file-store"
import { Server } from "@tus/server"

const [port, directory, work] = process.argv.slice(2)

// Does what Veza does before it answers: the SHA-256 of the whole, and the bytes on the disk.
class CarefulStore extends FileStore {
  async write(body, id, offset) {
    const digest = createHash("sha256")
    body.on("data", (chunk) => digest.update(chunk))
    const end = await super.write(body, id, offset)
    const file = await open(join(directory, id), "r+")
    await file.datasync()
    await file.close()
    digest.digest("hex")
    return end
  }
}

const Store = work === "sync-and-hash" ? CarefulStore : FileStore
const server = new Server({ path: "/files", datastore: new Store({ directory }) })
server.listen({ host: "127.0.0.1", port: Number(port) })
