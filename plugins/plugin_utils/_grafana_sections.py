# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sections of grafana.ini, Grafana 9.4 to 13 (private to this collection)."""

from __future__ import annotations

TOP = "DEFAULT"  # the keys above the first section
# fmt: off
SECTIONS = (
    "DEFAULT", "alerting", "analytics", "annotations", "annotations.api",
    "annotations.dashboard", "auth", "auth.anonymous", "auth.azuread", "auth.basic",
    "auth.extended_jwt", "auth.generic_oauth", "auth.github", "auth.gitlab", "auth.google",
    "auth.grafana_com", "auth.jwt", "auth.ldap", "auth.okta", "auth.proxy", "auth.saml", "aws",
    "azure", "caching", "cloud_migration", "dashboards", "database", "dataproxy",
    "datasources", "date_formats", "emails", "enterprise", "environment", "explore",
    "expressions", "external_image_storage", "external_image_storage.azure_blob",
    "external_image_storage.gcs", "external_image_storage.local", "external_image_storage.s3",
    "external_image_storage.webdav", "feature_toggles", "geomap", "grafana-apiserver",
    "grafana_com", "grafana_net", "grpc_server", "help", "keystore.vault", "live", "log",
    "log.console", "log.file", "log.frontend", "log.syslog", "metrics",
    "metrics.environment_info", "metrics.graphite", "navigation.app_sections",
    "navigation.app_standalone_pages", "news", "panels", "paths", "plugins", "profile",
    "public_dashboards", "query_history", "quota", "rbac", "recording_rules", "remote_cache",
    "rendering", "search", "secrets_manager", "secure_socks_datasource_proxy", "security",
    "security.encryption", "server", "service_accounts", "smtp", "smtp.static_headers",
    "snapshots", "sso_settings", "storage", "support_bundles", "tracing.jaeger",
    "tracing.opentelemetry", "tracing.opentelemetry.jaeger", "tracing.opentelemetry.otlp",
    "unified_alerting", "unified_alerting.reserved_labels", "unified_alerting.screenshots",
    "unified_alerting.state_history", "unified_storage", "users",
)
# fmt: on
