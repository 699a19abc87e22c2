package auth

import (
	"context"
	"errors"
	"strings"

	"github.com/nacre-ssh/nacre/wire"
)

// A Prompt is one question of keyboard-interactive. Echo says that the answer
// may be shown while it is typed.
type Prompt struct {
	Text string
	Echo bool
}

// Answers asks a person. All texts are the server's: escape them. There may be
// no prompts, then name and instruction are to be shown and nothing is asked.
// One answer per prompt is returned.
type Answers func(ctx context.Context, name, instruction string, prompts []Prompt) ([]string, error)

// KeyboardInteractive is the keyboard-interactive method (RFC 4256). ask is
// called for each round of at most tries attempts (0 or less: 3); [ErrSkip] from
// it gives the method up.
func KeyboardInteractive(ask Answers, tries int) ClientMethod {
	return interactiveMethod{ask, triesOr(tries)}
}

type interactiveMethod struct {
	ask   Answers
	tries int
}

func (interactiveMethod) Name() string { return methodInteractive }

func (m interactiveMethod) begin() attempts { return &interactiveAttempts{m, m.tries} }

type interactiveAttempts struct {
	interactiveMethod
	left int
}

func (a *interactiveAttempts) renew() { a.left = a.tries }

func (a *interactiveAttempts) next(ctx context.Context, d *dialogue) (verdict, error) {
	if a.left == 0 {
		return verdict{}, errSpent
	}
	a.left--
	b := appendRequest(nil, d.cfg.User, methodInteractive)
	b = wire.AppendString(b, "")                       // language tag
	b = wire.AppendString(b, d.cfg.InteractiveDevices) // submethods
	if err := d.request(ctx, methodInteractive, b); err != nil {
		return verdict{}, err
	}
	for round := range maxRounds + 1 {
		kind, r, err := d.receive(ctx)
		if err != nil {
			return verdict{}, err
		}
		if kind != wire.MsgUserauthInfoRequest {
			if round == 0 {
				a.left = 0 // it asks nothing: asking again would change nothing
			}
			return readVerdict(kind, &r)
		}
		if err := a.answer(ctx, d, &r); err != nil {
			return verdict{}, err
		}
	}
	return verdict{}, protocolError("too many rounds of keyboard-interactive")
}

func (a *interactiveAttempts) answer(ctx context.Context, d *dialogue, r *wire.Reader) error {
	c, err := readChallenge(r)
	if err != nil {
		return err
	}
	answers, err := a.ask(ctx, c.Name, c.Instruction, c.Prompts)
	if err != nil {
		return err
	}
	if len(answers) != len(c.Prompts) {
		return errors.New("keyboard-interactive: there is not one answer per prompt")
	}
	b := wire.AppendUint32([]byte{wire.MsgUserauthInfoResponse}, uint32(len(answers)))
	for _, answer := range answers {
		b = wire.AppendString(b, answer)
	}
	return send(ctx, d.conn, b)
}

// readChallenge reads INFO_REQUEST (RFC 4256, section 3.2).
func readChallenge(r *wire.Reader) (*Challenge, error) {
	name, instruction := r.Bytes(), r.Bytes()
	r.Bytes() // language tag
	n := r.Uint32()
	if n > maxPrompts || len(name) > maxPrompt || len(instruction) > maxPrompt {
		return nil, protocolError("the server asks too much at once")
	}
	c := &Challenge{Name: string(name), Instruction: string(instruction)}
	for range n {
		text, echo := r.Bytes(), r.Bool()
		if len(text) > maxPrompt {
			return nil, protocolError("the server's prompt is too long")
		}
		c.Prompts = append(c.Prompts, Prompt{Text: string(text), Echo: echo})
	}
	if err := r.End(); err != nil {
		return nil, malformed("keyboard-interactive request", err)
	}
	return c, nil
}

// A Challenge is one round of questions. It holds at most 32 prompts.
type Challenge struct {
	Name, Instruction string
	Prompts           []Prompt
}

// A Conversation is the server's side of one keyboard-interactive attempt. It
// belongs to one goroutine.
type Conversation interface {
	// Next takes the answers to the last challenge, nil at first, and returns
	// the next challenge, or else the permit; neither means refused.
	Next(ctx context.Context, answers []string) (*Challenge, *Permit, error)
	// Close is called once, at the end, whatever the end was.
	Close()
}

// serveInteractive leads one conversation.
func serveInteractive(ctx context.Context, s *session, r *wire.Reader) (outcome, error) {
	r.Bytes() // language tag
	r.Bytes() // submethods: the account chooses
	if err := r.End(); err != nil {
		return outcome{}, malformed("keyboard-interactive request", err)
	}
	conversation := s.account.Interactive(ctx)
	if conversation == nil {
		return outcome{}, nil
	}
	defer conversation.Close()
	var answers []string
	for round := range maxRounds {
		challenge, permit, err := conversation.Next(ctx, answers)
		if challenge == nil || err != nil {
			return outcome{permit: permit, why: err}, nil
		}
		if err := s.send(ctx, appendChallenge(nil, challenge)); err != nil {
			return outcome{}, err
		}
		var abandoned bool
		if answers, abandoned, err = s.answers(ctx, len(challenge.Prompts)); err != nil {
			return outcome{}, err
		}
		if abandoned {
			// Answers were tried if this was not the first round; then it counts.
			return outcome{abandoned: true, counts: round > 0}, nil
		}
		if answers == nil {
			return outcome{}, nil
		}
	}
	return outcome{why: errors.New("too many rounds of keyboard-interactive")}, nil
}

func appendChallenge(b []byte, c *Challenge) []byte {
	b = append(b, wire.MsgUserauthInfoRequest)
	b = wire.AppendString(b, c.Name)
	b = wire.AppendString(b, c.Instruction)
	b = wire.AppendString(b, "") // language tag
	b = wire.AppendUint32(b, uint32(len(c.Prompts)))
	for _, p := range c.Prompts {
		b = wire.AppendString(b, p.Text)
		b = wire.AppendBool(b, p.Echo)
	}
	return b
}

// answers waits for INFO_RESPONSE (RFC 4256, section 3.4). Another request
// abandons the conversation and is kept for the loop (section 3.1). Answers are
// nil when one is too long, and never nil otherwise.
func (s *session) answers(ctx context.Context, want int) (answers []string, abandoned bool, err error) {
	msg, err := receive(ctx, s.conn)
	if err != nil {
		return nil, false, err
	}
	switch msg[0] {
	case wire.MsgUserauthInfoResponse:
	case wire.MsgUserauthRequest, wire.MsgServiceRequest:
		s.kept = msg
		return nil, true, nil
	default:
		return nil, false, unexpected(msg[0])
	}
	r := wire.NewReader(msg[1:])
	if n := r.Uint32(); r.Err() == nil && uint64(n) != uint64(want) {
		return nil, false, protocolError("keyboard-interactive: there is not one answer per prompt")
	}
	answers = make([]string, 0, want)
	tooLong := false
	for range want {
		answer := r.Bytes()
		tooLong = tooLong || len(answer) > maxPassword
		answers = append(answers, string(answer[:min(len(answer), maxPassword)]))
	}
	if err := r.End(); err != nil {
		return nil, false, malformed("keyboard-interactive answer", err)
	}
	if tooLong {
		return nil, false, nil
	}
	return answers, false, nil
}

// OneQuestion is a conversation of one prompt without echo, whose answer check
// decides on: a password by the keyboard-interactive way.
func OneQuestion(text string, check func(ctx context.Context, answer string) (*Permit, error)) Conversation {
	return &oneQuestion{strings.TrimRight(text, " ") + " ", check}
}

type oneQuestion struct {
	text  string
	check func(ctx context.Context, answer string) (*Permit, error)
}

func (q *oneQuestion) Next(ctx context.Context, answers []string) (*Challenge, *Permit, error) {
	if answers == nil {
		return &Challenge{Prompts: []Prompt{{Text: q.text}}}, nil, nil
	}
	permit, err := q.check(ctx, answers[0])
	return nil, permit, err
}

func (q *oneQuestion) Close() {}
