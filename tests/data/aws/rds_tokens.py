"""Writes rds-tokens.json: tokens for RDS as botocore makes them, at fixed times. Needs boto3."""

import datetime
import json
import pathlib
from unittest import mock

import boto3
import botocore.auth

CASES = [
    ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, "us-east-1",
     "mysql.abcdefghijkl.us-east-1.rds.amazonaws.com", 5432, "alice", 1767225600),
    ("ASIAEXAMPLE", "secret/with+signs", "a/session+token==", "eu-west-1",
     "db.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com", 5433, "alice@example.com", 1798761599),
    ("AKIDEXAMPLE", "s", None, "cn-north-1", "db.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn", 5432,
     "remote-alice+tag-root", 1767225601),
    ("AKIDEXAMPLE", "s", None, "us-gov-west-1", "proxy.proxy-abcdefghijkl.us-gov-west-1.rds.amazonaws.com", 5432,
     "svc:robot ü/~", 1767225601),
]

out = []
for access, secret, session, region, host, port, user, moment in CASES:
    client = boto3.client("rds", region_name=region, aws_access_key_id=access, aws_secret_access_key=secret,
                          aws_session_token=session)
    now = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).replace(tzinfo=None)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=now):
        token = client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user, Region=region)
    out.append({"access_key": access, "secret_key": secret, "session_token": session, "region": region, "host": host,
                "port": port, "user": user, "time": moment, "token": token})
path = pathlib.Path(__file__).with_name("rds-tokens.json")
path.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")
