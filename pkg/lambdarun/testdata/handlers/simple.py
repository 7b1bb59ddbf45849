"""A TOKEN authorizer to learn with: the token is a word that says what happens."""


def lambda_handler(event, context):
    token = event["authorizationToken"]
    if token == "unauthorized":
        raise Exception("Unauthorized")
    effect = {"allow": "Allow", "deny": "Deny"}.get(token)
    if effect is None:
        raise ValueError("Invalid token")
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {
        "principalId": "user",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"stringKey": "some text", "numberKey": 123, "booleanKey": True},
    }
