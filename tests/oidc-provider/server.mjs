// An identity provider for the tests: npm's oidc-provider with its own login and consent pages.
//
// usage: node server.mjs SETTINGS
// SETTINGS is a JSON file: modules (the directory that tests/oidc prints), cert and key (PEM files), accounts (a JSON file,
// read at every login: claims by account), callback (the cluster's address) or callbacks. Prints the port when it is ready.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:https';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(readFileSync(process.argv[2]));
const { Provider } = await import(pathToFileURL(`${settings.modules}/node_modules/oidc-provider/lib/index.js`));

const jwk = (kid, alg, type, options) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig',
});
const client = (id, alg, method) => ({
  client_id: id,
  client_secret: `secret of ${id} & more: 100%`,
  redirect_uris: settings.callbacks,
  id_token_signed_response_alg: alg,
  token_endpoint_auth_method: method,
});

const server = createServer({ key: readFileSync(settings.key), cert: readFileSync(settings.cert) });
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`https://localhost:${port}`, {
    clients: [
      client('rs', 'RS256', 'client_secret_basic'),
      client('es', 'ES256', 'client_secret_basic'),
      client('ed', 'EdDSA', 'client_secret_basic'),
    ],
    jwks: {
      keys: [
        jwk('r1', 'RS256', 'rsa', { modulusLength: 2048 }),
        jwk('e1', 'ES256', 'ec', { namedCurve: 'P-256' }),
        jwk('d1', 'EdDSA', 'ed25519', {}),
      ],
    },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    scopes: ['openid', 'email', 'groups'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups', 'db_roles', 'level'] },
    pkce: { methods: ['S256'], required: () => true },
    cookies: { keys: ['a key of the tests'] },
    findAccount: (_, accountId) => {
      const claims = JSON.parse(readFileSync(settings.accounts))[accountId];
      return claims && { accountId, claims: () => ({ sub: accountId, ...claims }) };
    },
  });
  server.on('request', provider.callback());
  // What the provider notes later goes elsewhere: nobody reads standard output any more.
  console.info = console.error;
  console.log = console.error;
  writeSync(1, `${port}\n`);
});
