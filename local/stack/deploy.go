package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"

	"tocsin/local/ministack"
)

// AdminEmail is the administrator of a stack whose Config names none.
const AdminEmail = "admin@tocsin.example"

// artifacts is the bucket that code and definitions are deployed from.
const artifacts = "tocsin-local-artifacts"

// deploy sends template.yaml to the emulator as it is on this machine.
func (s *Stack) deploy(ctx context.Context, c Config) error {
	t, err := ministack.ReadTemplate(filepath.Join(c.Dir, "template.yaml"))
	if err != nil {
		return err
	}
	if err := s.aws.MakeBucket(ctx, artifacts); err != nil {
		return err
	}
	err = t.Apply(ministack.Changes{
		Code: func(uri string) (ministack.Object, error) {
			code, err := packFunction(c.Dir, uri)
			return s.store(ctx, code, err)
		},
		Definition: func(uri string) (ministack.Object, error) {
			text, err := os.ReadFile(filepath.Join(c.Dir, uri))
			return s.store(ctx, text, err)
		},
		Architecture:    architecture(),
		ConsumerTimeout: c.ConsumerTimeout,
		Visibility:      c.Visibility,
		NoSchedules:     c.NoSchedules,
	})
	if err != nil {
		return err
	}
	if s.deployed, err = s.aws.Deploy(ctx, stackName, t, s.parameters(c, t), artifacts); err != nil {
		return fmt.Errorf("%w\nif it stays so, remove %s, which forgets all local data", err, c.State)
	}
	return nil
}

func (s *Stack) parameters(c Config, t ministack.Template) map[string]string {
	values := map[string]string{}
	declared, _ := t["Parameters"].(map[string]any)
	for name, value := range map[string]string{"AdminEmail": AdminEmail, "MailDomain": MailDomain} {
		if declared[name] != nil {
			values[name] = value
		}
	}
	if c.Parameters != nil {
		maps.Copy(values, c.Parameters(s.Addresses))
	}
	return values
}

// store keeps a deployed file under a name that changes with its contents.
func (s *Stack) store(ctx context.Context, body []byte, err error) (ministack.Object, error) {
	if err != nil {
		return ministack.Object{}, err
	}
	sum := sha256.Sum256(body)
	o := ministack.Object{Bucket: artifacts, Key: hex.EncodeToString(sum[:16])}
	return o, s.aws.Put(ctx, o, body)
}

// architecture is Lambda's word for the processor of this machine.
func architecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}
