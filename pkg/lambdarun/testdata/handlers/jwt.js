// A TOKEN authorizer for JSON Web Tokens of one issuer. The key set is a file named
// by the variable JWKS, issuer and audience are ISSUER and AUDIENCE.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');

const keys = JSON.parse(fs.readFileSync(process.env.JWKS, 'utf8')).keys;
const part = (text) => JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));

function verify(header) {
  const match = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(header);
  if (!match) throw new Error('no bearer token');
  const [, head, payload, signature] = match;
  const { alg, kid } = part(head);
  const jwk = keys.find((key) => key.kid === kid);
  if (alg !== 'RS256' || !jwk) throw new Error('no key for the token');
  const key = crypto.createPublicKey({ key: jwk, format: 'jwk' });
  if (!crypto.verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'))) throw new Error('wrong signature');
  const claims = part(payload);
  const now = Date.now() / 1000;
  if (claims.iss !== process.env.ISSUER) throw new Error('another issuer');
  if (![].concat(claims.aud).includes(process.env.AUDIENCE)) throw new Error('another audience');
  if (!(claims.exp > now) || claims.nbf > now) throw new Error('not valid now');
  return claims;
}

exports.handler = async (event) => {
  let claims;
  try {
    claims = verify(event.authorizationToken);
  } catch (err) {
    console.log(`refused: ${err.message}`);
    throw new Error('Unauthorized');
  }
  const all = event.methodArn.split('/').slice(0, 2).join('/') + '/*';
  const effect = (claims.groups || []).includes('Admins') ? 'Allow' : 'Deny';
  return {
    principalId: claims.sub,
    policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect: effect, Resource: all }] },
    context: { email: claims.email },
  };
};
