// Package catalog owns what is monitored and who answers for it: services,
// teams, members and their contacts. The first three are configuration; a
// contact is data (its address never stands in the configuration document).
package catalog

// Service is what is monitored.
type Service struct {
	Name        string `json:"-"`
	DisplayName string `json:"display_name,omitempty"`
	Description string `json:"description,omitempty"`
	Tier        int    `json:"tier,omitempty"` // 1 (most important) to 4; 0: not said
	Team        string `json:"team,omitempty"` // the team that answers for it
	Plan        string `json:"plan,omitempty"` // "": the default plan
}

// Team is a set of members with a leader.
type Team struct {
	Name        string   `json:"-"`
	DisplayName string   `json:"display_name,omitempty"`
	Leader      string   `json:"leader,omitempty"` // a member
	Members     []string `json:"members"`

	// CauseClasses are the team's own, beside those that ship.
	CauseClasses []string `json:"cause_classes,omitempty"`
}

// Member is a person who can be paged.
type Member struct {
	Name        string `json:"-"`
	DisplayName string `json:"display_name,omitempty"`
	Language    string `json:"language,omitempty"`  // "en" (default) or "zh"
	TimeZone    string `json:"time_zone,omitempty"` // IANA; "": UTC
}

// Channel is a way to reach a person.
type Channel string

// The channels that exist so far.
const (
	Email Channel = "email"
	Ntfy  Channel = "ntfy"
)

// Contact is one way to reach one member.
type Contact struct {
	ID       string  `json:"id"`
	Member   string  `json:"member"`
	Channel  Channel `json:"channel"`
	Address  string  `json:"address"`  // mail address; ntfy topic name or topic URL
	Verified bool    `json:"verified"` // only a member who has no verified contact is paged at another
	Order    int     `json:"order"`    // lower is tried first
}
