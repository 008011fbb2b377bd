package ministack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Stack is a deployed template.
type Stack struct {
	Name      string
	Outputs   map[string]string
	Resources map[string]Resource // by logical id, those that the transform made included
}

// Resource is one resource of a stack. What ID means depends on the type: a
// name, an address or an ARN, as Ref returns it.
type Resource struct {
	LogicalID string `xml:"LogicalResourceId"`
	ID        string `xml:"PhysicalResourceId"`
	Type      string `xml:"ResourceType"`
}

// Deploy creates or updates a stack and waits for the end of that. artifacts
// is the bucket that the template is sent through.
func (s *Server) Deploy(ctx context.Context, name string, t Template, parameters map[string]string, artifacts string) (*Stack, error) {
	body, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	place := Object{Bucket: artifacts, Key: name + ".template"}
	if err := s.Put(ctx, place, body); err != nil {
		return nil, err
	}
	request := stackRequest(name, s.Endpoint+"/"+place.Bucket+"/"+place.Key, parameters)
	begun := time.Now()
	if err := s.createOrUpdate(ctx, name, request); err != nil {
		return nil, fmt.Errorf("deploy %s: %w", name, err)
	}
	return s.awaitStack(ctx, name, begun)
}

func stackRequest(name, address string, parameters map[string]string) url.Values {
	v := url.Values{"StackName": {name}, "TemplateURL": {address}}
	for i, capability := range []string{"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"} {
		v.Set("Capabilities.member."+strconv.Itoa(i+1), capability)
	}
	i := 0
	for key, value := range parameters {
		i++
		prefix := "Parameters.member." + strconv.Itoa(i)
		v.Set(prefix+".ParameterKey", key)
		v.Set(prefix+".ParameterValue", value)
	}
	return v
}

func (s *Server) createOrUpdate(ctx context.Context, name string, request url.Values) error {
	d, err := s.status(ctx, name)
	if isAbsent(err) || d.Status == "ROLLBACK_COMPLETE" {
		return s.query(ctx, "CreateStack", request, nil)
	}
	if err != nil {
		return err
	}
	if err := s.query(ctx, "UpdateStack", request, nil); !isNoUpdates(err) {
		return err
	}
	return nil
}

type description struct {
	Status  string `xml:"StackStatus"`
	Reason  string `xml:"StackStatusReason"`
	Outputs []struct {
		Key   string `xml:"OutputKey"`
		Value string `xml:"OutputValue"`
	} `xml:"Outputs>member"`
}

func (s *Server) status(ctx context.Context, name string) (description, error) {
	var answer struct {
		Stacks []description `xml:"DescribeStacksResult>Stacks>member"`
	}
	if err := s.query(ctx, "DescribeStacks", url.Values{"StackName": {name}}, &answer); err != nil {
		return description{}, err
	}
	if len(answer.Stacks) == 0 {
		return description{}, fmt.Errorf("stack %s does not exist", name)
	}
	return answer.Stacks[0], nil
}

func (s *Server) awaitStack(ctx context.Context, name string, begun time.Time) (*Stack, error) {
	for {
		d, err := s.status(ctx, name)
		if err != nil {
			return nil, err
		}
		switch {
		case d.Status == "CREATE_COMPLETE" || d.Status == "UPDATE_COMPLETE":
			return s.describe(ctx, name, d)
		case !strings.HasSuffix(d.Status, "_IN_PROGRESS"):
			return nil, fmt.Errorf("deploy %s: %s: %s%s", name, d.Status, d.Reason, s.failures(ctx, name, begun))
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("deploy %s: still %s: %w", name, d.Status, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *Server) describe(ctx context.Context, name string, d description) (*Stack, error) {
	var answer struct {
		Resources []Resource `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	if err := s.query(ctx, "DescribeStackResources", url.Values{"StackName": {name}}, &answer); err != nil {
		return nil, err
	}
	stack := &Stack{Name: name, Outputs: map[string]string{}, Resources: map[string]Resource{}}
	for _, o := range d.Outputs {
		stack.Outputs[o.Key] = o.Value
	}
	for _, r := range answer.Resources {
		stack.Resources[r.LogicalID] = r
	}
	return stack, nil
}

// failures lists why resources of an operation failed, one a line.
func (s *Server) failures(ctx context.Context, name string, begun time.Time) string {
	var answer struct {
		Events []struct {
			LogicalID string `xml:"LogicalResourceId"`
			Status    string `xml:"ResourceStatus"`
			Reason    string `xml:"ResourceStatusReason"`
			Timestamp string `xml:"Timestamp"`
		} `xml:"DescribeStackEventsResult>StackEvents>member"`
	}
	if err := s.query(ctx, "DescribeStackEvents", url.Values{"StackName": {name}}, &answer); err != nil {
		return ""
	}
	var lines strings.Builder
	for _, e := range answer.Events {
		at, err := time.Parse(time.RFC3339, e.Timestamp)
		if strings.HasSuffix(e.Status, "_FAILED") && (err != nil || !at.Before(begun.Truncate(time.Second))) {
			fmt.Fprintf(&lines, "\n%s: %s", e.LogicalID, e.Reason)
		}
	}
	return lines.String()
}
