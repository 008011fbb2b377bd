package actionlink

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"tocsin/shared/cloud"
	"tocsin/shared/fault"
)

// KeysVariable names the environment variable of the parameter's name.
const KeysVariable = "LINK_KEYS_PARAMETER"

// Parameter is a ring kept in one SSM SecureString.
type Parameter struct {
	Client *ssm.Client
	Name   string
}

// Open returns the parameter that the environment names.
func Open(cfg aws.Config, env cloud.Lookup) (*Parameter, error) {
	name, ok := env(KeysVariable)
	if !ok || name == "" {
		return nil, fmt.Errorf("%s is not set", KeysVariable)
	}
	return OpenNamed(cfg, env, name), nil
}

// OpenNamed returns a parameter by its name.
func OpenNamed(cfg aws.Config, env cloud.Lookup, name string) *Parameter {
	return &Parameter{Client: ssm.NewFromConfig(cfg, func(o *ssm.Options) { o.BaseEndpoint = cloud.Endpoint(env, "SSM") }), Name: name}
}

// Load reads the ring's text. fault.NotFound: the parameter does not exist.
func (p *Parameter) Load(ctx context.Context) ([]byte, error) {
	out, err := p.Client.GetParameter(ctx, &ssm.GetParameterInput{Name: &p.Name, WithDecryption: aws.Bool(true)})
	if _, ok := errors.AsType[*types.ParameterNotFound](err); ok {
		return nil, fault.New(fault.NotFound, "parameter %s does not exist", p.Name)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "read parameter %s", p.Name)
	}
	return []byte(aws.ToString(out.Parameter.Value)), nil
}

// Create writes the first ring. false: there is one already, which is left as
// it is.
func (p *Parameter) Create(ctx context.Context, ring *Ring) (bool, error) {
	err := p.put(ctx, ring, false)
	if _, ok := errors.AsType[*types.ParameterAlreadyExists](err); ok {
		return false, nil
	}
	if err != nil {
		return false, fault.Wrap(fault.Unavailable, err, "create parameter %s", p.Name)
	}
	return true, nil
}

// Replace writes a rotated ring. SSM has no conditional write: of two
// rotations at once the later wins, and the other's key is lost before it
// ever signs.
func (p *Parameter) Replace(ctx context.Context, ring *Ring) error {
	if err := p.put(ctx, ring, true); err != nil {
		return fault.Wrap(fault.Unavailable, err, "write parameter %s", p.Name)
	}
	return nil
}

func (p *Parameter) put(ctx context.Context, ring *Ring, overwrite bool) error {
	_, err := p.Client.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &p.Name, Type: types.ParameterTypeSecureString, Value: aws.String(string(ring.Encode())),
		Description: aws.String("Keys of signed links. Rotate with the command line; never edit or delete."),
		Overwrite:   aws.Bool(overwrite),
	})
	return err
}
