package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tocsin/shared/ops"
)

// byHand are the operations whose commands are written by hand, because they
// work on files.
var byHand = map[string]bool{"config.export": true, "config.check": true, "config.diff": true, "config.apply": true, "config.rollback": true}

// groupHelp says what the commands of a group are about.
var groupHelp = map[string]string{
	"events":       "List events and act on them",
	"incidents":    "List incidents and act on them",
	"changes":      "List and report deployments and configuration changes",
	"deliveries":   "Show what became of what monitoring systems sent",
	"members":      "List members",
	"contacts":     "List and change how members are reached",
	"services":     "List services",
	"integrations": "Connect monitoring systems",
	"heartbeats":   "Notice jobs that fall silent",
	"tokens":       "List, create and revoke tokens of the API",
	"config":       "Look into the history of the configuration",
	"audit":        "See who changed what",
}

func (a *app) addOperations(root *cobra.Command, all []*ops.Operation) {
	groups := map[string]*cobra.Command{}
	for _, o := range all {
		if byHand[o.Name] {
			continue
		}
		command := a.command(o, all)
		if o.Verb() == "" {
			root.AddCommand(command)
			continue
		}
		group, known := groups[o.Group()]
		if !known {
			group = &cobra.Command{Use: o.Group(), Short: groupHelp[o.Group()]}
			groups[o.Group()] = group
			root.AddCommand(group)
		}
		group.AddCommand(command)
	}
	if group, there := groups["integrations"]; there {
		group.AddCommand(a.trialCommand(all))
	}
}

// command makes the command of an operation: the parameters of its path are
// arguments, all other input is flags.
func (a *app) command(o *ops.Operation, all []*ops.Operation) *cobra.Command {
	name := o.Verb()
	if name == "" {
		name = o.Group()
	}
	use, arguments := name, 0
	for _, f := range o.In.Fields {
		if f.In == "path" {
			use += " " + strings.ToUpper(f.Name)
			arguments++
		}
	}
	c := &cobra.Command{
		Use: use, Short: strings.TrimSuffix(o.Summary, "."), Long: longHelp(o), Args: cobra.ExactArgs(arguments),
		ValidArgsFunction: a.completeArguments(o, all),
	}
	flags := map[string]ops.Property{}
	for _, f := range o.In.Fields {
		if f.In != "path" {
			flags[flagName(f)] = f
			addFlag(c, f)
		}
	}
	everything := false
	if _, paged := o.In.Field("cursor"); paged {
		c.Flags().BoolVar(&everything, "all", false, "list every page")
	}
	wait := time.Duration(0)
	if o.Name == "test-page" {
		c.Flags().DurationVar(&wait, "wait", time.Minute, "wait so long until the page was sent; 0 does not wait")
	}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		input, err := inputOf(o, cmd.Flags(), flags, args)
		if err != nil {
			return err
		}
		switch {
		case everything:
			return a.listAll(cmd.Context(), o, input)
		case o.Name == "test-page":
			return a.testPage(cmd.Context(), all, o, input, wait)
		}
		return a.do(cmd.Context(), o, input)
	}
	return c
}

func longHelp(o *ops.Operation) string {
	long := o.Summary
	if o.Description != "" {
		long += "\n\n" + o.Description
	}
	if o.Scope != "" {
		long += fmt.Sprintf("\n\nScope: %s.", o.Scope)
	}
	return long
}

func flagName(f ops.Property) string { return strings.ReplaceAll(f.Name, "_", "-") }

func addFlag(c *cobra.Command, f ops.Property) {
	name, help := flagName(f), strings.TrimSuffix(lowerFirst(f.Schema.Description), ".")
	enum := f.Schema.Enum
	if f.Schema.Items != nil {
		enum = f.Schema.Items.Enum
	}
	if len(enum) > 0 {
		help += " (" + strings.Join(enum, ", ") + ")"
	}
	if f.Schema.Default != "" {
		help += ", default " + f.Schema.Default
	}
	if f.Required {
		help += "; required"
	}
	switch f.Schema.Type {
	case "boolean":
		c.Flags().Bool(name, false, help)
	case "integer":
		c.Flags().Int(name, 0, help)
	case "array":
		if f.Schema.Items.Format == "regex" { // which has commas of its own
			c.Flags().StringArray(name, nil, help+"; may stand more than once")
			break
		}
		c.Flags().StringSlice(name, nil, help)
	case "": // any JSON
		c.Flags().String(name, "", help+"; a `file` with the document")
	default:
		c.Flags().String(name, "", help)
	}
	if len(enum) > 0 {
		_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(enum, cobra.ShellCompDirectiveNoFileComp))
	}
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// inputOf makes the input of arguments and of the flags given, and checks it
// before anything is sent.
func inputOf(o *ops.Operation, flags *pflag.FlagSet, fields map[string]ops.Property, args []string) (map[string]any, error) {
	input := map[string]any{}
	for _, f := range o.In.Fields {
		if f.In == "path" {
			input[f.Name], args = args[0], args[1:]
		}
	}
	var wrong error
	flags.Visit(func(flag *pflag.Flag) {
		f, ok := fields[flag.Name]
		if !ok {
			return
		}
		if f.Schema.Type == "" {
			d, err := mappingIn(flag.Value.String())
			wrong, input[f.Name] = errors.Join(wrong, err), d.Spec
			return
		}
		switch v := flag.Value.(type) {
		case pflag.SliceValue:
			input[f.Name] = v.GetSlice()
		default:
			input[f.Name] = plain(f.Schema.Type, flag.Value.String())
		}
	})
	if wrong != nil {
		return nil, wrong
	}
	text, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("encode input: %w", err)
	}
	if err := o.Check(text); err != nil {
		return nil, usageError{err}
	}
	return input, nil
}

// plain turns the text of a flag into what JSON holds.
func plain(kind, text string) any {
	switch kind {
	case "boolean":
		return text == "true"
	case "integer":
		return json.Number(text)
	}
	return text
}

// do calls an operation and shows its answer.
func (a *app) do(ctx context.Context, o *ops.Operation, input map[string]any) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	answer, err := c.call(ctx, o, input)
	if err != nil {
		return err
	}
	return a.show(o, answer)
}

// list is the answer of a list.
type list struct {
	Items []json.RawMessage `json:"items"`
	Next  string            `json:"next_cursor,omitempty"`
}

// listAll shows every page as one.
func (a *app) listAll(ctx context.Context, o *ops.Operation, input map[string]any) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	whole := list{Items: []json.RawMessage{}}
	for {
		answer, err := c.call(ctx, o, input)
		if err != nil {
			return err
		}
		var page list
		if err := json.Unmarshal(answer, &page); err != nil {
			return fmt.Errorf("the answer is no list: %w", err)
		}
		whole.Items = append(whole.Items, page.Items...)
		a.progress("%d read", len(whole.Items))
		if page.Next == "" {
			break
		}
		input["cursor"] = page.Next
	}
	a.progressEnd()
	text, err := json.Marshal(whole)
	if err != nil {
		return fmt.Errorf("encode the list: %w", err)
	}
	return a.show(o, text)
}

// completeArguments offers what the list operation of the same group lists,
// and members where one is asked for. It says nothing when it cannot.
func (a *app) completeArguments(o *ops.Operation, all []*ops.Operation) cobra.CompletionFunc {
	var params []string
	for _, f := range o.In.Fields {
		if f.In == "path" {
			params = append(params, f.Name)
		}
	}
	return func(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(params) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		source := o.Group() + ".list"
		if params[len(args)] == "member" {
			source = "members.list"
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
		defer cancel()
		return a.listed(ctx, operation(all, source), prefix), cobra.ShellCompDirectiveNoFileComp
	}
}

func operation(all []*ops.Operation, name string) *ops.Operation {
	for _, o := range all {
		if o.Name == name {
			return o
		}
	}
	return nil
}

// listed returns the ids or names that a list without parameters shows, with
// the titles beside them.
func (a *app) listed(ctx context.Context, o *ops.Operation, prefix string) []cobra.Completion {
	c, err := a.client()
	if err != nil || o == nil || strings.Contains(o.Path, "{") {
		return nil
	}
	answer, err := c.once(ctx, o, map[string]any{}, "")
	if err != nil {
		return nil
	}
	var page struct {
		Items []struct {
			ID, Name, Title string
			DisplayName     string `json:"display_name"`
		}
	}
	if json.NewDecoder(bytes.NewReader(answer)).Decode(&page) != nil {
		return nil
	}
	var found []cobra.Completion
	for _, item := range page.Items {
		id, about := item.ID, first(item.Title, item.Name, item.DisplayName)
		if id == "" {
			id, about = item.Name, item.DisplayName
		}
		if strings.HasPrefix(id, prefix) {
			found = append(found, cobra.CompletionWithDesc(id, clean(about)))
		}
	}
	return found
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
