package main

import (
	"fmt"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// golangJWT verifies with golang-jwt, and keys from keyfunc.
func golangJWT(setting setting) (verify, error) {
	keys := func(*jwt.Token) (any, error) { return []byte(setting.Secret), nil }
	if setting.Secret == "" {
		found, err := keyfunc.NewDefault([]string{setting.JwksURI})
		if err != nil {
			return nil, err
		}
		keys = found.Keyfunc
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{setting.Algorithm}),
		jwt.WithIssuer(setting.Issuer),
		jwt.WithAudience(setting.Audience),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
	)
	return func(raw string) error {
		token, err := parser.Parse(raw, keys)
		if err != nil {
			return err
		}
		return checkType(token.Header["typ"])
	}, nil
}

// checkType is for libraries that leave it to their users.
func checkType(typ any) error {
	if typ != "at+jwt" {
		return fmt.Errorf("another type of token: %v", typ)
	}
	return nil
}
