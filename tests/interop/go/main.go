// Interop tries every library here on the job in the file named by the first argument.
//
// The job is what interop_stage prints. Each token becomes one line of JSON: library, version,
// algorithm, token; ok where it is accepted, and the reason where it is not.
package main

import (
	"encoding/json"
	"log"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

type job struct {
	Verification []setting
}

// setting is one issuer and the tokens to be tried.
type setting struct {
	Algorithm string
	Issuer    string
	JwksURI   string `json:"jwks_uri"`
	Audience  string
	Secret    string
	Tokens    map[string]string
}

type verdict struct {
	Library   string `json:"library"`
	Version   string `json:"version"`
	Algorithm string `json:"algorithm"`
	Token     string `json:"token"`
	OK        bool   `json:"ok"`
	Reason    string `json:"reason,omitempty"`
}

// verify says what is wrong with a token.
type verify func(token string) error

// library makes a verifier of an issuer's tokens.
type library struct {
	name     string
	module   string
	verifier func(setting) (verify, error)
}

var libraries = []library{
	{"golang-jwt", "github.com/golang-jwt/jwt/v5", golangJWT},
	{"go-jose", "github.com/go-jose/go-jose/v4", goJose},
	{"go-oidc", "github.com/coreos/go-oidc/v3", goOIDC},
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var all job
	if err := json.Unmarshal(text, &all); err != nil {
		log.Fatal(err)
	}
	output := json.NewEncoder(os.Stdout)
	for _, library := range libraries {
		for _, setting := range all.Verification {
			for _, told := range try(library, setting) {
				if err := output.Encode(told); err != nil {
					log.Fatal(err)
				}
			}
		}
	}
}

func try(library library, setting setting) []verdict {
	check, unusable := library.verifier(setting)
	var verdicts []verdict
	for _, name := range slices.Sorted(maps.Keys(setting.Tokens)) {
		told := verdict{
			Library:   library.name,
			Version:   version(library.module),
			Algorithm: setting.Algorithm,
			Token:     name,
		}
		err := unusable
		if err == nil {
			err = check(setting.Tokens[name])
		}
		if told.OK = err == nil; err != nil {
			told.Reason = err.Error()
		}
		verdicts = append(verdicts, told)
	}
	return verdicts
}

// version is the one that was linked.
func version(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return strings.TrimPrefix(dependency.Version, "v")
		}
	}
	return "unknown"
}
