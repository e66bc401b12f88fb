"""Runs the laboratory's script with other settings of its clusters.

usage: lab_with.py SCRIPT SETTINGS ARGUMENTS-OF-THE-SCRIPT…

SETTINGS is JSON: `root` and `leaf` are laid over the configuration files of these clusters, and both trust the authorities in
the file `authority`, if there is one, for everything that they call themselves; the leaf finds the root at `tunnel_addr`.
"""

import importlib.util
import json
import pathlib
import sys

script, settings, *arguments = sys.argv[1:]
settings = json.loads(settings)

# The script runs when it is loaded; without arguments it says how it is used, and leaves its functions.
spec = importlib.util.spec_from_file_location("lab", script)
lab = importlib.util.module_from_spec(spec)
sys.argv = [script]
try:
    spec.loader.exec_module(lab)
except SystemExit:
    pass


def laid_over(below, above):
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return below | {key: laid_over(below.get(key), value) for key, value in above.items()}


cluster_config, web_certificates, run_tctl = lab.cluster_config, lab.web_certificates, lab.tctl


def configuration(directory, name, *ports):
    return laid_over(cluster_config(directory, name, *ports), settings.get(name, {}))


def certificates(directory):
    web_certificates(directory)
    if "authority" in settings:
        with open(directory / "cabundle.pem", "a") as bundle:
            bundle.write(pathlib.Path(settings["authority"]).read_text())


def tctl(directory, name, *command, **more):
    if command == ("create", "link.yaml") and "tunnel_addr" in settings:
        link = directory / "link.yaml"
        link.write_text(json.dumps(laid_over(json.loads(link.read_text()), {"spec": {"tunnel_addr": settings["tunnel_addr"]}})))
    return run_tctl(directory, name, *command, **more)


lab.cluster_config, lab.web_certificates, lab.tctl = configuration, certificates, tctl
sys.argv = [script, *arguments]
lab.main()
