// The provider of the end-to-end test: npm's oidc-provider, set up to look like
// OneLogin as far as it goes. It prints one line of JSON when it is ready and
// runs until its standard input ends.
import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import Provider, { errors } from 'oidc-provider';

const redirectURI = process.env.E2E_REDIRECT_URI ?? 'http://127.0.0.1:8127/callback';
const accessTTL = Number(process.env.E2E_ACCESS_TTL ?? 600); // seconds
const firstTTL = Number(process.env.E2E_FIRST_TTL ?? accessTTL); // of the access token of a login, not of a refresh
const refreshDelay = Number(process.env.E2E_REFRESH_DELAY ?? 0); // seconds until a refresh is answered
const path = '/oidc/2'; // where OneLogin has its issuer
const resource = 'urn:gatepass:orders';
const secret = randomBytes(32).toString('hex');
const refreshes = { granted: 0, refused: 0 }; // as the token endpoint answered them

const users = {
  ada: { sub: '35666371', name: 'Ada Lovelace', given_name: 'Ada', family_name: 'Lovelace', email: 'ada@example.com', groups: ['Admins', 'Staff'] },
  grace: { sub: '35666372', name: 'Grace Hopper', given_name: 'Grace', family_name: 'Hopper', email: 'grace@example.com', groups: ['Staff'] },
  linus: { sub: '35666373', name: 'Linus Pauling', given_name: 'Linus', family_name: 'Pauling', email: 'linus@example.com', groups: [], unassigned: true },
};
const password = 'open sesame';

function bySub(sub) {
  return Object.entries(users).find(([, user]) => user.sub === sub) ?? [];
}

function isRefresh(ctx) {
  return ctx.oidc?.body?.grant_type === 'refresh_token';
}

// countRefreshes counts every request for a refresh that comes in, and delays its
// answer.
async function countRefreshes(ctx, next) {
  await next();
  if (!isRefresh(ctx)) return;
  refreshes[ctx.status === 200 ? 'granted' : 'refused'] += 1;
  await sleep(refreshDelay * 1000);
}

function client(id, method, more) {
  return {
    client_id: id,
    token_endpoint_auth_method: method,
    redirect_uris: [redirectURI],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    ...more,
  };
}

async function configuration() {
  const { privateKey } = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true });
  const jwk = await exportJWK(privateKey);
  jwk.kid = await calculateJwkThumbprint(jwk);
  jwk.use = 'sig';
  return {
    jwks: { keys: [jwk] },
    clients: [
      client('public', 'none'),
      client('poster', 'client_secret_post', { client_secret: secret }),
      client('basic', 'client_secret_basic', { client_secret: secret }),
      client('program', 'client_secret_post', { client_secret: secret, grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }),
    ],
    routes: {
      authorization: '/auth',
      token: '/token',
      userinfo: '/me',
      jwks: '/certs',
      introspection: '/token/introspection',
      revocation: '/token/revocation',
      end_session: '/logout',
    },
    scopes: ['openid', 'orders'], // those of claims come on top; no offline_access
    claims: {
      openid: ['sub', 'email', 'preferred_username', 'name'],
      profile: ['updated_at', 'given_name', 'family_name'],
      email: ['email'],
      groups: ['groups'],
    },
    conformIdTokenClaims: false, // claims by scope are in the ID token
    pkce: { required: () => true },
    issueRefreshToken: async (ctx, c) => c.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: { AccessToken: (ctx) => (isRefresh(ctx) ? accessTTL : firstTTL), IdToken: 7200, RefreshToken: 86400, AuthorizationCode: 60, Grant: 86400, Interaction: 3600, Session: 86400, ClientCredentials: accessTTL },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // JWT access tokens are only made for resources. Those without one are
        // opaque and good for userinfo.
        getResourceServerInfo: (ctx, indicator) => {
          if (indicator !== resource) throw new errors.InvalidTarget();
          return { scope: 'openid profile email groups orders', audience: 'orders-api', accessTokenFormat: 'jwt', accessTokenTTL: accessTTL, jwt: { sign: { alg: 'RS256' } } };
        },
        useGrantedResource: () => true,
      },
    },
    // What OneLogin's API Authorization can be told to add.
    extraTokenClaims: async (ctx, token) => (token.accountId ? { groups: bySub(token.accountId)[1].groups } : undefined),
    findAccount: async (ctx, sub) => {
      const [username, user] = bySub(sub);
      if (!user) return undefined;
      const { unassigned, ...claims } = user;
      return { accountId: sub, claims: async () => ({ ...claims, preferred_username: username, updated_at: 1700000000 }) };
    },
    // There is no consent at OneLogin: whoever is assigned to an app may use it.
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid profile email groups orders');
      grant.addResourceScope(resource, 'openid profile email groups orders');
      await grant.save();
      return grant;
    },
    renderError: (ctx, out) => { // the built-in page loads a font
      ctx.type = 'text/plain';
      ctx.body = Object.entries(out).map(([name, value]) => `${name}: ${value}`).join('\n');
    },
    interactions: { url: (ctx, interaction) => `${path}/interaction/${interaction.uid}` },
  };
}

function page(message) {
  return `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Log in</title>
<p role="alert">${message}</p>
<form method="post"><label>Username <input name="username"></label>
<label>Password <input name="password" type="password"></label>
<button name="do" value="login">Log in</button><button name="do" value="cancel">Cancel</button></form></html>`;
}

async function readForm(req) {
  let body = '';
  for await (const chunk of req) {
    body += chunk;
    if (body.length > 10000) break;
  }
  return new URLSearchParams(body);
}

// interaction is the login page of the provider.
async function interaction(provider, req, res) {
  const { prompt } = await provider.interactionDetails(req, res); // throws unless it is this browser's
  if (prompt.name !== 'login') throw new Error(`unexpected prompt: ${prompt.name} ${prompt.reasons}`);
  const show = (status, message) => {
    res.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    res.end(page(message));
  };
  if (req.method !== 'POST') return show(200, '');
  const form = await readForm(req);
  const refuse = (description) => provider.interactionFinished(req, res, { error: 'access_denied', error_description: description }, { mergeWithLastSubmission: false });
  if (form.get('do') === 'cancel') return refuse('End-User aborted interaction');
  const user = Object.hasOwn(users, form.get('username')) ? users[form.get('username')] : undefined;
  if (!user || form.get('password') !== password) return show(401, 'That username and password do not go together.');
  if (user.unassigned) return refuse('user is not assigned to this application');
  return provider.interactionFinished(req, res, { login: { accountId: user.sub } }, { mergeWithLastSubmission: false });
}

const server = createServer();
server.listen(0, '127.0.0.1', async () => {
  const issuer = `http://127.0.0.1:${server.address().port}${path}`;
  const provider = new Provider(issuer, await configuration());
  provider.use(countRefreshes);
  const handle = provider.callback();
  server.on('request', (req, res) => {
    if (req.url === '/refreshes') { // for the test
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(refreshes));
      return;
    }
    if (!req.url.startsWith(`${path}/`)) {
      res.writeHead(404).end();
      return;
    }
    if (req.url.startsWith(`${path}/interaction/`)) {
      interaction(provider, req, res).catch((err) => {
        res.writeHead(400, { 'content-type': 'text/plain' }).end(String(err.message));
      });
      return;
    }
    req.originalUrl = req.url; // as a framework that mounts the provider does
    req.url = req.url.slice(path.length);
    handle(req, res);
  });
  provider.on('server_error', (ctx, err) => console.error(err));
  console.log(JSON.stringify({ issuer, resource, secret, password }));
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
