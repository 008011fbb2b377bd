package stepfunctions

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tokenKey seals task tokens, so that a token which this directory issued is
// told from one that it never did without keeping a list.
type tokenKey []byte

// sealBytes of a token authenticate the rest of it.
const sealBytes = 16

// openTokenKey reads the key of a directory and makes it the first time.
func openTokenKey(dir string) (tokenKey, error) {
	file := filepath.Join(dir, "token.key")
	key, err := os.ReadFile(file)
	if err == nil && len(key) == sha256.Size {
		return key, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	key = make([]byte, sha256.Size)
	rand.Read(key)
	return key, replaceFile(file, key)
}

// issue makes the token of one attempt of a task: the execution and the id of
// its TaskScheduled event. It is some 330 characters at most.
func (k tokenKey) issue(execution string, task int64) string {
	text := fmt.Appendf(nil, "%d %s", task, execution)
	return base64.RawURLEncoding.EncodeToString(append(text, k.seal(text)...))
}

// open returns what the token was issued for; ok is false for any other text.
func (k tokenKey) open(token string) (execution string, task int64, ok bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(sealed) < sealBytes {
		return "", 0, false
	}
	text, seal := sealed[:len(sealed)-sealBytes], sealed[len(sealed)-sealBytes:]
	if !hmac.Equal(seal, k.seal(text)) {
		return "", 0, false
	}
	number, execution, _ := strings.Cut(string(text), " ")
	task, err = strconv.ParseInt(number, 10, 64)
	return execution, task, err == nil
}

func (k tokenKey) seal(text []byte) []byte {
	mac := hmac.New(sha256.New, k)
	mac.Write(text)
	return mac.Sum(nil)[:sealBytes]
}
