# The gatepass authorizer for an API that is there already, for Terraform:
#
#   terraform apply -var rest_api_id=abc123
#
# authorizer.zip beside this file holds bootstrap and authorizer.yaml (docs/deploy.md).

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "rest_api_id" {
  type        = string
  description = "The REST API whose methods are to be guarded."
}

variable "architecture" {
  type        = string
  default     = "arm64"
  description = "That of the zip: arm64, or x86_64 for amd64."
}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

resource "aws_iam_role" "authorizer" {
  name = "gatepass-authorizer"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "log" {
  role       = aws_iam_role.authorizer.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "authorizer" {
  function_name    = "gatepass-authorizer"
  filename         = "${path.module}/authorizer.zip"
  source_code_hash = filebase64sha256("${path.module}/authorizer.zip")
  runtime          = "provided.al2023"
  architectures    = [var.architecture]
  handler          = "bootstrap"
  role             = aws_iam_role.authorizer.arn
  memory_size      = 256
  timeout          = 10

  logging_config {
    log_format = "JSON"
  }

  environment {
    variables = {
      GATEPASS_AUTHORIZER = "authorizer.yaml"
    }
  }
}

resource "aws_api_gateway_authorizer" "gatepass" {
  name                             = "gatepass"
  rest_api_id                      = var.rest_api_id
  type                             = "TOKEN"
  authorizer_uri                   = aws_lambda_function.authorizer.invoke_arn
  identity_source                  = "method.request.header.Authorization"
  authorizer_result_ttl_in_seconds = 300
}

resource "aws_lambda_permission" "gateway" {
  statement_id  = "apigateway"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.authorizer.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${var.rest_api_id}/authorizers/${aws_api_gateway_authorizer.gatepass.id}"
}

# Each method says who guards it:
#
#   resource "aws_api_gateway_method" "orders" {
#     authorization = "CUSTOM"
#     authorizer_id = aws_api_gateway_authorizer.gatepass.id
#     …
#   }
output "authorizer_id" {
  value = aws_api_gateway_authorizer.gatepass.id
}
