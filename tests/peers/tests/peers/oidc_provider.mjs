// oidc-provider with a client for each way to authenticate, two further grants, and a resource that takes its tokens.
import http from 'node:http';
import { createPublicKey } from 'node:crypto';
import Provider, { errors } from 'oidc-provider';
import { jwtVerify } from 'jose';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const secret = process.env.CLIENT_SECRET;
const key = createPublicKey(process.env.PUBLIC_KEY);
const jwk = { ...key.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' };
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const apiKey = 'urn:stockade:apikey';
const client = (client_id, grant, more) => (
  { client_id, grant_types: [grant], redirect_uris: [], response_types: [], scope: 'vms', ...more });

const provider = new Provider(issuer, {
  scopes: ['vms'],
  clients: [
    client('basic', 'client_credentials', { client_secret: secret }),
    client('post', 'client_credentials', { client_secret: secret, token_endpoint_auth_method: 'client_secret_post' }),
    client('signed', 'client_credentials', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } }),
    client('anybody', jwtBearer, { grant_types: [jwtBearer, apiKey], token_endpoint_auth_method: 'none' }),
  ],
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  ttl: { ClientCredentials: 600 },
});

// These grants authenticate by what they exchange: the client is who everybody is that names none.
async function issue(ctx) {
  const token = new provider.ClientCredentials({ client: ctx.oidc.client, scope: 'vms' });
  const value = await token.save();
  ctx.body = { access_token: value, expires_in: token.expiration, token_type: 'Bearer' };
}
provider.registerGrantType(jwtBearer, async (ctx) => {
  try {
    await jwtVerify(ctx.oidc.params.assertion, key, { issuer: 'robot', subject: 'robot', audience: `${issuer}/token`, maxTokenAge: '5m' });
  } catch (error) {
    throw new errors.InvalidGrant(error.message);
  }
  await issue(ctx);
}, ['assertion', 'scope']);
provider.registerGrantType(apiKey, async (ctx) => {
  if (ctx.oidc.params.apikey !== secret) throw new errors.InvalidGrant('wrong key');
  await issue(ctx);
}, ['apikey', 'scope']);

const callback = provider.callback();
http.createServer(async (request, response) => {
  if (request.url === '/token' && !request.headers.authorization) {
    // Both grants above name no client, which the server insists on.
    const parts = [];
    for await (const part of request) parts.push(part);
    let body = Buffer.concat(parts).toString();
    if (!new URLSearchParams(body).has('client_id')) body += '&client_id=anybody';
    request.headers['content-length'] = String(Buffer.byteLength(body));
    request.body = body;
    return callback(request, response);
  }
  const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  if (request.url === '/resource') {
    const found = await provider.ClientCredentials.find(token);
    response.writeHead(found ? 200 : 401, { 'x-echo': token });
    return response.end(JSON.stringify({ token, encoded: Buffer.from(token).toString('base64') }));
  }
  if (request.url === '/revoke-all') {
    await (await provider.ClientCredentials.find(token))?.destroy();
    return response.writeHead(204).end();
  }
  return callback(request, response);
}).listen(port, '127.0.0.1');
