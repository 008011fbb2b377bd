package stack

import (
	"fmt"
	"net"
)

// Ports are on 127.0.0.1; 0 chooses a free one.
type Ports struct{ Front, AWS, States, Inbox int }

// Addresses are the base addresses of the parts, such as "http://127.0.0.1:8080".
type Addresses struct{ Front, AWS, States, Inbox string }

type listeners struct{ front, aws, states, inbox net.Listener }

// listen takes every port at once, so that a busy one is told before any slow step.
func (s *Stack) listen(p Ports) (l listeners, err error) {
	defer func() {
		if err != nil {
			_ = l.close()
		}
	}()
	if l.front, s.Addresses.Front, err = listenOn("the front", p.Front); err != nil {
		return l, err
	}
	if l.states, s.Addresses.States, err = listenOn("Step Functions", p.States); err != nil {
		return l, err
	}
	if l.inbox, s.Addresses.Inbox, err = listenOn("the inbox", p.Inbox); err != nil {
		return l, err
	}
	l.aws, s.Addresses.AWS, err = listenOn("ministack", p.AWS)
	return l, err
}

// close frees the ports that nothing serves; the others are closed already.
func (l listeners) close() error {
	for _, one := range []net.Listener{l.front, l.aws, l.states, l.inbox} {
		if one != nil {
			_ = one.Close()
		}
	}
	return nil
}

// PortError says that something else listens on a port.
type PortError struct {
	Part string
	Port int
}

func (e *PortError) Error() string {
	return fmt.Sprintf("port %d for %s is in use; stop what listens there (ss -ltnp 'sport = :%d' names it) or choose another port",
		e.Port, e.Part, e.Port)
}

func listenOn(part string, port int) (net.Listener, string, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, "", &PortError{part, port}
	}
	return l, "http://" + l.Addr().String(), nil
}
