package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// goJose verifies with go-jose, which does not fetch keys: that takes a few lines.
func goJose(setting setting) (verify, error) {
	var keys any = []byte(setting.Secret)
	if setting.Secret == "" {
		found, err := fetch(setting.JwksURI)
		if err != nil {
			return nil, err
		}
		keys = found
	}
	algorithms := []jose.SignatureAlgorithm{jose.SignatureAlgorithm(setting.Algorithm)}
	expected := jwt.Expected{Issuer: setting.Issuer, AnyAudience: jwt.Audience{setting.Audience}}
	return func(raw string) error {
		token, err := jwt.ParseSigned(raw, algorithms)
		if err != nil {
			return err
		}
		if err := checkType(token.Headers[0].ExtraHeaders[jose.HeaderType]); err != nil {
			return err
		}
		var claims jwt.Claims
		if err := token.Claims(keys, &claims); err != nil {
			return err
		}
		// It has nothing against a token without this.
		if claims.Expiry == nil {
			return fmt.Errorf("no exp")
		}
		return claims.ValidateWithLeeway(expected.WithTime(time.Now()), 0)
	}, nil
}

func fetch(url string) (*jose.JSONWebKeySet, error) {
	client := http.Client{Timeout: 20 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	keys := new(jose.JSONWebKeySet)
	return keys, json.NewDecoder(response.Body).Decode(keys)
}
