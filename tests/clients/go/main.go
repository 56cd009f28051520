// What a Go program does with Holdfast through Vault's own client, unmodified.
//
// Driven by tests/go_client.rs, which starts an uninitialised cluster and gives its addresses in VAULT_ADDRS, separated
// by commas. It initialises the cluster, opens every node, and then speaks to a follower only. It ends with 0 when every
// check held; otherwise it names the first that did not.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	vault "github.com/hashicorp/vault/api"
)

const deadline = 20 * time.Second

func main() {
	addresses := strings.Split(os.Getenv("VAULT_ADDRS"), ",")
	keys := initialise(addresses)
	unseal(addresses, keys)
	address := follower(addresses)
	root := client(address)
	root.SetToken(keys.RootToken)
	health(addresses)
	mounts(root)
	kv1(root)
	kv2(root)
	kv2Metadata(root)
	policies(root)
	tokens(root, address)
	readYourWrites(root, addresses)
	hold("seal", root.Sys().Seal())
	until("the node to be sealed", func() bool {
		status, err := root.Sys().SealStatus()
		return err == nil && status.Sealed
	})
	fmt.Println("all held")
}

func client(address string) *vault.Client {
	config := vault.DefaultConfig()
	config.Address = address
	made, err := vault.NewClient(config)
	hold("a client", err)
	return made
}

// hold ends the program when something failed that must not.
func hold(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func check(holds bool, what string, seen any) {
	if !holds {
		hold(what, fmt.Errorf("does not hold; seen: %v", seen))
	}
}

// refused wants an answer with this status and gives its errors.
func refused(what string, err error, status int) string {
	var answer *vault.ResponseError
	if errors.As(err, &answer) {
		check(answer.StatusCode == status, what, err)
		return strings.Join(answer.Errors, "; ")
	}
	check(false, what+" must be refused", err)
	return ""
}

func until(what string, probe func() bool) {
	end := time.Now().Add(deadline)
	for !probe() {
		check(time.Now().Before(end), "waiting for "+what, "deadline")
		time.Sleep(20 * time.Millisecond)
	}
}

func initialise(addresses []string) *vault.InitResponse {
	first := client(addresses[0])
	known, err := first.Sys().InitStatus()
	hold("init status", err)
	check(!known, "not initialised yet", known)
	status, err := first.Sys().Health()
	hold("health of a new node", err)
	check(!status.Initialized && status.Sealed, "health of a new node", status)
	var keys *vault.InitResponse
	until("a leader to initialise", func() bool {
		keys, err = first.Sys().Init(&vault.InitRequest{SecretShares: 5, SecretThreshold: 3})
		return err == nil
	})
	check(len(keys.Keys) == 5 && len(keys.KeysB64) == 5, "five shares", len(keys.Keys))
	return keys
}

func unseal(addresses []string, keys *vault.InitResponse) {
	for _, address := range addresses {
		node := client(address).Sys()
		until("the node to know the seal", func() bool {
			known, err := node.InitStatus()
			return err == nil && known
		})
		status, err := node.Unseal(keys.Keys[4])
		hold("unseal", err)
		check(status.T == 3 && status.N == 5 && status.Progress == 1, "progress", status)
		status, err = node.ResetUnsealProcess()
		hold("reset", err)
		check(status.Progress == 0, "progress after reset", status)
		for _, share := range []string{keys.Keys[0], keys.KeysB64[3], keys.Keys[2]} {
			status, err = node.Unseal(share)
			hold("unseal", err)
		}
		check(!status.Sealed, "open", status)
		status, err = node.SealStatus()
		hold("seal status", err)
		check(status.Initialized && !status.Sealed && status.Type == "shamir", "seal status", status)
		check(status.Version != "" && status.ClusterName != "" && status.ClusterID != "", "seal status", status)
	}
}

func follower(addresses []string) string {
	var found string
	until("a follower", func() bool {
		for _, address := range addresses {
			status, err := client(address).Sys().Leader()
			if err == nil && status.HAEnabled && status.LeaderAddress != "" && !status.IsSelf {
				found = address
				return true
			}
		}
		return false
	})
	return found
}

func health(addresses []string) {
	active := 0
	for _, address := range addresses {
		status, err := client(address).Sys().Health()
		hold("health", err)
		check(status.Initialized && !status.Sealed && status.ServerTimeUTC > 0, "health", status)
		if !status.Standby {
			active++
		}
	}
	check(active == 1, "one node leads", active)
}

func mounts(root *vault.Client) {
	until("the first mount", func() bool {
		input := &vault.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}
		return root.Sys().Mount("secret", input) == nil
	})
	plain := &vault.MountInput{Type: "kv", Description: "first", Config: vault.MountConfigInput{MaxLeaseTTL: "4h"}}
	hold("mount", root.Sys().Mount("plain", plain))
	text := refused("a taken path", root.Sys().Mount("plain", plain), 400)
	check(strings.Contains(text, "path is already in use at"), "a taken path", text)
	listed, err := root.Sys().ListMounts()
	hold("list mounts", err)
	check(listed["secret/"].Options["version"] == "2", "options", listed["secret/"])
	check(listed["plain/"].Description == "first" && listed["plain/"].UUID != "", "mount", listed["plain/"])
	check(listed["plain/"].Config.MaxLeaseTTL == 4*3600, "config", listed["plain/"].Config)
	hold("tune", root.Sys().TuneMount("plain", vault.MountConfigInput{DefaultLeaseTTL: "30m"}))
	tuned, err := root.Sys().MountConfig("plain")
	hold("mount config", err)
	check(tuned.DefaultLeaseTTL == 1800 && tuned.MaxLeaseTTL == 4*3600, "tuned", tuned)
	one, err := root.Sys().GetMount("plain")
	hold("one mount", err)
	check(one.Type == "kv" && one.Accessor == listed["plain/"].Accessor, "one mount", one)
	hold("mount", root.Sys().Mount("passing", plain))
	hold("unmount", root.Sys().Unmount("passing"))
	auths, err := root.Sys().ListAuth()
	hold("list auth", err)
	check(auths["token/"] != nil && auths["token/"].Type == "token", "auth mounts", auths)
	// What the vault CLI asks before each kv command.
	secret, err := root.Logical().Read("sys/internal/ui/mounts/secret/app/db")
	hold("internal/ui/mounts", err)
	check(secret.Data["path"] == "secret/", "internal/ui/mounts", secret.Data)
	check(secret.Data["options"].(map[string]any)["version"] == "2", "internal/ui/mounts", secret.Data)
}

func kv1(root *vault.Client) {
	kv, ctx := root.KVv1("plain"), context.Background()
	hold("put", kv.Put(ctx, "team/app", map[string]any{"user": "ada"}))
	read, err := kv.Get(ctx, "team/app")
	hold("get", err)
	check(read.Data["user"] == "ada", "kv v1", read.Data)
	listed, err := root.Logical().List("plain/team")
	hold("list", err)
	check(reflect.DeepEqual(listed.Data["keys"], []any{"app"}), "keys", listed.Data)
	hold("delete", kv.Delete(ctx, "team/app"))
	_, err = kv.Get(ctx, "team/app")
	check(errors.Is(err, vault.ErrSecretNotFound), "a deleted secret", err)
}

func kv2(root *vault.Client) {
	kv, ctx := root.KVv2("secret"), context.Background()
	made, err := kv.Put(ctx, "app/db", map[string]any{"pw": "one", "host": "h"}, vault.WithCheckAndSet(0))
	hold("put", err)
	check(made.VersionMetadata.Version == 1, "first version", made.VersionMetadata)
	_, err = kv.Put(ctx, "app/db", map[string]any{"pw": "x"}, vault.WithCheckAndSet(0))
	text := refused("a stale cas", err, 400)
	check(strings.Contains(text, "check-and-set parameter"), "a stale cas", text)
	for _, option := range []vault.KVOption{vault.WithMergeMethod("patch"), vault.WithMergeMethod("rw")} {
		_, err = kv.Patch(ctx, "app/db", map[string]any{"pw": "two"}, option)
		hold("patch", err)
	}
	read, err := kv.Get(ctx, "app/db")
	hold("get", err)
	check(reflect.DeepEqual(read.Data, map[string]any{"pw": "two", "host": "h"}), "patched", read.Data)
	check(read.VersionMetadata.Version == 3, "version", read.VersionMetadata)
	old, err := kv.GetVersion(ctx, "app/db", 1)
	hold("get version", err)
	check(old.Data["pw"] == "one", "old version", old.Data)
	_, err = kv.Rollback(ctx, "app/db", 1)
	hold("rollback", err)
	hold("delete", kv.Delete(ctx, "app/db"))
	gone, err := kv.Get(ctx, "app/db")
	hold("get of a deleted version", err)
	check(gone.Data == nil && !gone.VersionMetadata.DeletionTime.IsZero(), "deleted", gone)
	hold("undelete", kv.Undelete(ctx, "app/db", []int{4}))
	hold("delete versions", kv.DeleteVersions(ctx, "app/db", []int{2}))
	hold("destroy", kv.Destroy(ctx, "app/db", []int{1}))
	versions, err := kv.GetVersionsAsList(ctx, "app/db")
	hold("versions", err)
	check(len(versions) == 4 && versions[0].Destroyed && !versions[1].DeletionTime.IsZero(), "versions", versions)
	_, err = kv.Get(ctx, "app/none")
	check(errors.Is(err, vault.ErrSecretNotFound), "absent", err)
}

func kv2Metadata(root *vault.Client) {
	kv, ctx := root.KVv2("secret"), context.Background()
	hold("put metadata", kv.PutMetadata(ctx, "app/db", vault.KVMetadataPutInput{
		CASRequired: true, MaxVersions: 5, DeleteVersionAfter: 90 * time.Minute,
		CustomMetadata: map[string]any{"owner": "db", "team": "a"},
	}))
	limit := 6
	hold("patch metadata", kv.PatchMetadata(ctx, "app/db", vault.KVMetadataPatchInput{
		MaxVersions: &limit, CustomMetadata: map[string]any{"team": nil, "on-call": "b"},
	}))
	meta, err := kv.GetMetadata(ctx, "app/db")
	hold("get metadata", err)
	check(meta.CASRequired && meta.MaxVersions == 6 && meta.DeleteVersionAfter == 90*time.Minute, "metadata", meta)
	check(reflect.DeepEqual(meta.CustomMetadata, map[string]any{"owner": "db", "on-call": "b"}), "custom", meta.CustomMetadata)
	check(meta.CurrentVersion == 4 && len(meta.Versions) == 4 && !meta.UpdatedTime.IsZero(), "metadata", meta)
	listed, err := root.Logical().List("secret/metadata/app")
	hold("list", err)
	check(reflect.DeepEqual(listed.Data["keys"], []any{"db"}), "keys", listed.Data)
	hold("delete metadata", kv.DeleteMetadata(ctx, "app/db"))
	_, err = kv.GetMetadata(ctx, "app/db")
	check(errors.Is(err, vault.ErrSecretNotFound), "metadata after its deletion", err)
	none, err := root.Logical().List("secret/metadata/app")
	check(none == nil && err == nil, "an empty list", err)
}

func policies(root *vault.Client) {
	rules := `path "secret/data/app/*" { capabilities = ["create", "read"] }`
	hold("put policy", root.Sys().PutPolicy("app", rules))
	got, err := root.Sys().GetPolicy("app")
	hold("get policy", err)
	check(got == rules, "policy", got)
	names, err := root.Sys().ListPolicies()
	hold("list policies", err)
	check(slices.Contains(names, "app") && slices.Contains(names, "default"), "policies", names)
	got, err = root.Sys().GetPolicy("none")
	check(err == nil && got == "", "an absent policy", err)
	refused("deleting default", root.Sys().DeletePolicy("default"), 400)
}

func tokens(root *vault.Client, address string) {
	made, err := root.Auth().Token().Create(&vault.TokenCreateRequest{Policies: []string{"app"}, TTL: "1h"})
	hold("create", err)
	check(made.Auth.LeaseDuration == 3600 && made.Auth.Renewable, "auth", made.Auth.LeaseDuration)
	app := client(address)
	app.SetToken(made.Auth.ClientToken)
	self, err := app.Auth().Token().LookupSelf()
	hold("lookup-self", err)
	names, err := self.TokenPolicies()
	hold("policies", err)
	check(reflect.DeepEqual(names, []string{"app", "default"}), "policies", names)
	ttl, err := self.TokenTTL()
	hold("ttl", err)
	check(ttl > 0 && ttl <= time.Hour, "ttl", ttl)
	_, err = root.Auth().Token().LookupAccessor(made.Auth.Accessor)
	hold("lookup-accessor", err)
	renewed, err := app.Auth().Token().RenewSelf(1800)
	hold("renew-self", err)
	check(renewed.Auth.LeaseDuration == 1800, "renewed", renewed.Auth.LeaseDuration)
	_, err = app.KVv2("secret").Get(context.Background(), "other")
	text := refused("another's secret", err, 403)
	check(strings.Contains(text, "permission denied"), "another's secret", text)
	can, err := app.Sys().CapabilitiesSelf("secret/data/app/x")
	hold("capabilities-self", err)
	check(reflect.DeepEqual(can, []string{"create", "read"}), "capabilities", can)
	can, err = root.Sys().Capabilities(made.Auth.ClientToken, "sys/mounts")
	hold("capabilities", err)
	check(reflect.DeepEqual(can, []string{"deny"}), "capabilities", can)
	hold("revoke", root.Auth().Token().RevokeTree(made.Auth.ClientToken))
	_, err = app.Auth().Token().LookupSelf()
	refused("a revoked token", err, 403)
}

// readYourWrites writes through one node and reads through the next with the index that the write gave.
func readYourWrites(root *vault.Client, addresses []string) {
	hold("raft state", func() error {
		status, err := root.Sys().HAStatus()
		if err == nil && len(status.Nodes) != len(addresses) {
			err = fmt.Errorf("%d nodes", len(status.Nodes))
		}
		return err
	}())
	ctx := context.Background()
	var state string
	for round, address := range append(addresses, addresses...) {
		node := client(address)
		node.SetToken(root.Token())
		if state != "" {
			read, err := node.WithRequestCallbacks(vault.RequireState(state)).KVv2("secret").Get(ctx, "ryw")
			hold("read after a write elsewhere", err)
			check(fmt.Sprint(read.Data["round"]) == fmt.Sprint(round-1), "read after a write elsewhere", read.Data)
		}
		write := node.WithResponseCallbacks(vault.RecordState(&state))
		before := state
		_, err := write.KVv2("secret").Put(ctx, "ryw", map[string]any{"round": round})
		hold("write", err)
		check(state != "", "the write's index", state)
		// The client keeps the later of two, whichever comes last: it must be able to tell.
		if before != "" {
			kept := vault.MergeReplicationStates([]string{state}, before)
			check(reflect.DeepEqual(kept, []string{state}), "the later index is kept", kept)
		}
	}
}
