// A TOKEN authorizer to learn with: the token is a word that says what happens.
'use strict';

const statement = (effect, resource) => ({ Action: 'execute-api:Invoke', Effect: effect, Resource: resource });

exports.handler = (event, context, callback) => {
  const words = { allow: 'Allow', deny: 'Deny' };
  if (event.authorizationToken === 'unauthorized') return callback('Unauthorized');
  const effect = words[event.authorizationToken];
  if (!effect) return callback('Error: Invalid token');
  return callback(null, {
    principalId: 'user',
    policyDocument: { Version: '2012-10-17', Statement: [statement(effect, event.methodArn)] },
    context: { stringKey: 'some text', numberKey: 123, booleanKey: true },
  });
};
