// A REQUEST authorizer: header, query string and stage variable must be as agreed.
'use strict';

module.exports.handler = async (event) => {
  const { headers = {}, queryStringParameters: query, stageVariables: stage } = event;
  const good = headers.HeaderAuth1 === 'headerValue1' && query && query.QueryString1 === 'queryValue1' && stage && stage.StageVar1 === 'stageValue1';
  if (!good) throw new Error('Unauthorized');
  return {
    principalId: 'me',
    policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: event.methodArn }] },
  };
};
