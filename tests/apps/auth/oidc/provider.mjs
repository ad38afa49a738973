// oidc-provider as it is published, on a port of its own. Prints its issuer when it listens.
// Arguments, JSON: {clients: [...], accounts: {login: claims}}; the redirect URIs stand in clients.
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'

const { clients, accounts } = JSON.parse(process.argv[2])
const server = createServer().listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients,
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'preferred_username'],
    },
    cookies: { keys: ['of tests'] },
    pkce: { required: () => true },
    findAccount: async (_, login) => ({
      accountId: login,
      claims: async () => ({ sub: login, ...accounts[login] }),
    }),
  })
  server.on('request', provider.callback())
  process.stdout.write(`${issuer}\n`)
})
process.stdin.resume().on('end', () => process.exit())
