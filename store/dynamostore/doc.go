// Package dynamostore keeps sessions in DynamoDB.
package dynamostore
