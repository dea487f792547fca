--
-- PostgreSQL database dump
--

\restrict hwaveUnIxY1MfHwR8LfleVvOehgR4RUUYujdpqrnKpiuSVFkizY5dywhUnXiWeR

-- Dumped from database version 18.4
-- Dumped by pg_dump version 18.4

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: bossflow; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA bossflow;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: __block_labels; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.__block_labels (
    channel_id character(16) NOT NULL,
    block character varying(64) NOT NULL,
    label_paramset_id character(16) NOT NULL,
    n_labels bigint NOT NULL,
    labelled_by character(32) NOT NULL
);


--
-- Name: TABLE __block_labels; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.__block_labels IS 'components within one block';


--
-- Name: COLUMN __block_labels.n_labels; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__block_labels.n_labels IS ':int64:local components';


--
-- Name: __block_links; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.__block_links (
    channel_id character(16) NOT NULL,
    block character varying(64) NOT NULL,
    label_paramset_id character(16) NOT NULL,
    neighbourhood character(16) NOT NULL,
    n_links bigint NOT NULL,
    linked_by character(32) NOT NULL
);


--
-- Name: TABLE __block_links; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.__block_links IS 'components of a block that touch those of blocks before it';


--
-- Name: COLUMN __block_links.neighbourhood; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__block_links.neighbourhood IS ':char(16):hash of the names of these blocks';


--
-- Name: COLUMN __block_links.n_links; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__block_links.n_links IS ':int64:pairs of local components';


--
-- Name: __block_links__neighbour; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.__block_links__neighbour (
    channel_id character(16) NOT NULL,
    block character varying(64) NOT NULL,
    label_paramset_id character(16) NOT NULL,
    neighbourhood character(16) NOT NULL,
    neighbour_block character varying(64) NOT NULL
);


--
-- Name: TABLE __block_links__neighbour; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.__block_links__neighbour IS 'block before it that touches it';


--
-- Name: __segmentation; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.__segmentation (
    request_id character(16) NOT NULL,
    n_components bigint NOT NULL,
    n_component_rows bigint NOT NULL,
    volume character varying(1024) NOT NULL,
    components character varying(1024) NOT NULL,
    stitched_by character(32) NOT NULL
);


--
-- Name: TABLE __segmentation; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.__segmentation IS 'connected components of a cutout';


--
-- Name: COLUMN __segmentation.n_components; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation.n_components IS ':int64:numbered 1 to n by their first voxel in ZYX C order';


--
-- Name: COLUMN __segmentation.n_component_rows; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation.n_component_rows IS ':int64:of them in Component; all are in the Parquet files';


--
-- Name: COLUMN __segmentation.volume; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation.volume IS ':varchar(1024):URL of the Neuroglancer precomputed volume of component ids';


--
-- Name: COLUMN __segmentation.components; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation.components IS ':varchar(1024):URL of the component table, a directory of Parquet files';


--
-- Name: __segmentation__component; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.__segmentation__component (
    request_id character(16) NOT NULL,
    component_id bigint NOT NULL,
    segment_id numeric(20,0) DEFAULT NULL::numeric,
    voxel_count bigint NOT NULL,
    bbox_x0 bigint NOT NULL,
    bbox_x1 bigint NOT NULL,
    bbox_y0 bigint NOT NULL,
    bbox_y1 bigint NOT NULL,
    bbox_z0 bigint NOT NULL,
    bbox_z1 bigint NOT NULL,
    centroid_x double precision NOT NULL,
    centroid_y double precision NOT NULL,
    centroid_z double precision NOT NULL,
    centroid_x_nm double precision NOT NULL,
    centroid_y_nm double precision NOT NULL,
    centroid_z_nm double precision NOT NULL
);


--
-- Name: TABLE __segmentation__component; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.__segmentation__component IS 'one connected component';


--
-- Name: COLUMN __segmentation__component.component_id; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.component_id IS ':int64:value in the volume, from 1';


--
-- Name: COLUMN __segmentation__component.segment_id; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.segment_id IS ':decimal(20,0):value in the source; null when it is foreground';


--
-- Name: COLUMN __segmentation__component.voxel_count; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.voxel_count IS ':int64:';


--
-- Name: COLUMN __segmentation__component.bbox_x0; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.bbox_x0 IS ':int64:(voxels) half-open, channel coordinates';


--
-- Name: COLUMN __segmentation__component.bbox_x1; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.bbox_x1 IS ':int64:';


--
-- Name: COLUMN __segmentation__component.bbox_y0; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.bbox_y0 IS ':int64:';


--
-- Name: COLUMN __segmentation__component.bbox_y1; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.bbox_y1 IS ':int64:';


--
-- Name: COLUMN __segmentation__component.bbox_z0; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.bbox_z0 IS ':int64:';


--
-- Name: COLUMN __segmentation__component.bbox_z1; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.bbox_z1 IS ':int64:';


--
-- Name: COLUMN __segmentation__component.centroid_x; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.centroid_x IS ':float64:(voxels) mean voxel index, channel coordinates';


--
-- Name: COLUMN __segmentation__component.centroid_y; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.centroid_y IS ':float64:';


--
-- Name: COLUMN __segmentation__component.centroid_z; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.centroid_z IS ':float64:';


--
-- Name: COLUMN __segmentation__component.centroid_x_nm; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.centroid_x_nm IS ':float64:(nm) centroid times voxel size';


--
-- Name: COLUMN __segmentation__component.centroid_y_nm; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.centroid_y_nm IS ':float64:';


--
-- Name: COLUMN __segmentation__component.centroid_z_nm; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation__component.centroid_z_nm IS ':float64:';


--
-- Name: __segmentation__source; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.__segmentation__source (
    request_id character(16) NOT NULL,
    channel_id character(16) NOT NULL,
    block character varying(64) NOT NULL,
    label_paramset_id character(16) NOT NULL,
    neighbourhood character(16) NOT NULL
);


--
-- Name: TABLE __segmentation__source; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.__segmentation__source IS 'block that it was made of';


--
-- Name: __segmentation_block; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.__segmentation_block (
    request_id character(16) NOT NULL,
    channel_id character(16) NOT NULL,
    block character varying(64) NOT NULL,
    label_paramset_id character(16) NOT NULL,
    lookup_sha256 character(64) NOT NULL,
    relabelled_by character(32) NOT NULL
);


--
-- Name: TABLE __segmentation_block; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.__segmentation_block IS 'block written to the volume';


--
-- Name: COLUMN __segmentation_block.lookup_sha256; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.__segmentation_block.lookup_sha256 IS ':char(64):of its labels'' component ids';


--
-- Name: _pulled_block; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow._pulled_block (
    channel_id character(16) NOT NULL,
    block character varying(64) NOT NULL,
    voxels_sha256 character(64) NOT NULL,
    pulled_by character(32) NOT NULL
);


--
-- Name: TABLE _pulled_block; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow._pulled_block IS 'voxels pulled from the archive';


--
-- Name: COLUMN _pulled_block.voxels_sha256; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow._pulled_block.voxels_sha256 IS ':char(64):of the ZYX C-order little-endian bytes';


--
-- Name: block; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.block (
    channel_id character(16) NOT NULL,
    block character varying(64) NOT NULL,
    block_x0 bigint NOT NULL,
    block_x1 bigint NOT NULL,
    block_y0 bigint NOT NULL,
    block_y1 bigint NOT NULL,
    block_z0 bigint NOT NULL,
    block_z1 bigint NOT NULL
);


--
-- Name: TABLE block; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.block IS 'cell of the block grid, clipped to a cutout';


--
-- Name: COLUMN block.block; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.block.block IS ':varchar(64):x0-x1_y0-y1_z0-z1, half-open, channel voxels';


--
-- Name: COLUMN block.block_x0; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.block.block_x0 IS ':int64:(voxels)';


--
-- Name: COLUMN block.block_x1; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.block.block_x1 IS ':int64:';


--
-- Name: COLUMN block.block_y0; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.block.block_y0 IS ':int64:';


--
-- Name: COLUMN block.block_y1; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.block.block_y1 IS ':int64:';


--
-- Name: COLUMN block.block_z0; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.block.block_z0 IS ':int64:';


--
-- Name: COLUMN block.block_z1; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.block.block_z1 IS ':int64:';


--
-- Name: channel; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.channel (
    channel_id character(16) NOT NULL,
    archive character varying(255) NOT NULL,
    uri character varying(1024) NOT NULL,
    resolution integer NOT NULL,
    kind character varying(16) NOT NULL,
    dtype character varying(16) NOT NULL,
    channel_x0 bigint NOT NULL,
    channel_x1 bigint NOT NULL,
    channel_y0 bigint NOT NULL,
    channel_y1 bigint NOT NULL,
    channel_z0 bigint NOT NULL,
    channel_z1 bigint NOT NULL,
    voxel_size_x double precision NOT NULL,
    voxel_size_y double precision NOT NULL,
    voxel_size_z double precision NOT NULL,
    written_by character(32)
);


--
-- Name: TABLE channel; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.channel IS 'array at one resolution, in an archive or in the store';


--
-- Name: COLUMN channel.channel_id; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.channel_id IS ':char(16):hash of archive, uri and resolution';


--
-- Name: COLUMN channel.archive; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.archive IS ':varchar(255):host and port, or the name given with `archive`';


--
-- Name: COLUMN channel.uri; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.uri IS ':varchar(1024):';


--
-- Name: COLUMN channel.resolution; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.resolution IS ':int32:0 is the finest';


--
-- Name: COLUMN channel.kind; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.kind IS ':varchar(16):image or annotation';


--
-- Name: COLUMN channel.dtype; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.dtype IS ':varchar(16):';


--
-- Name: COLUMN channel.channel_x0; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.channel_x0 IS ':int64:(voxels) extent, half-open';


--
-- Name: COLUMN channel.channel_x1; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.channel_x1 IS ':int64:';


--
-- Name: COLUMN channel.channel_y0; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.channel_y0 IS ':int64:';


--
-- Name: COLUMN channel.channel_y1; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.channel_y1 IS ':int64:';


--
-- Name: COLUMN channel.channel_z0; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.channel_z0 IS ':int64:';


--
-- Name: COLUMN channel.channel_z1; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.channel_z1 IS ':int64:';


--
-- Name: COLUMN channel.voxel_size_x; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.voxel_size_x IS ':float64:(nm)';


--
-- Name: COLUMN channel.voxel_size_y; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.voxel_size_y IS ':float64:(nm)';


--
-- Name: COLUMN channel.voxel_size_z; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.channel.voxel_size_z IS ':float64:(nm)';


--
-- Name: cutout; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.cutout (
    channel_id character(16) NOT NULL,
    cutout character varying(64) NOT NULL,
    cutout_x0 bigint NOT NULL,
    cutout_x1 bigint NOT NULL,
    cutout_y0 bigint NOT NULL,
    cutout_y1 bigint NOT NULL,
    cutout_z0 bigint NOT NULL,
    cutout_z1 bigint NOT NULL
);


--
-- Name: TABLE cutout; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.cutout IS 'box of a channel that was asked for';


--
-- Name: COLUMN cutout.cutout; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.cutout.cutout IS ':varchar(64):x0-x1_y0-y1_z0-z1, half-open, channel voxels';


--
-- Name: COLUMN cutout.cutout_x0; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.cutout.cutout_x0 IS ':int64:(voxels)';


--
-- Name: COLUMN cutout.cutout_x1; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.cutout.cutout_x1 IS ':int64:';


--
-- Name: COLUMN cutout.cutout_y0; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.cutout.cutout_y0 IS ':int64:';


--
-- Name: COLUMN cutout.cutout_y1; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.cutout.cutout_y1 IS ':int64:';


--
-- Name: COLUMN cutout.cutout_z0; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.cutout.cutout_z0 IS ':int64:';


--
-- Name: COLUMN cutout.cutout_z1; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.cutout.cutout_z1 IS ':int64:';


--
-- Name: environment; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.environment (
    environment_id character(16) NOT NULL,
    container character varying(255) DEFAULT NULL::character varying,
    code character(16) NOT NULL,
    software jsonb NOT NULL
);


--
-- Name: TABLE environment; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.environment IS 'container and software versions';


--
-- Name: COLUMN environment.environment_id; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.environment.environment_id IS ':char(16):hash of the rest';


--
-- Name: COLUMN environment.container; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.environment.container IS ':varchar(255):image with digest; null outside of containers';


--
-- Name: COLUMN environment.code; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.environment.code IS ':char(16):hash of the programs in bin/';


--
-- Name: COLUMN environment.software; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.environment.software IS ':json:distribution to version';


--
-- Name: execution; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.execution (
    execution_id character(32) NOT NULL,
    process character varying(64) NOT NULL,
    run_id character(16) NOT NULL,
    environment_id character(16) NOT NULL,
    task character varying(255) NOT NULL,
    executed timestamp without time zone NOT NULL,
    execution_seconds double precision NOT NULL,
    peak_memory_bytes bigint NOT NULL,
    bundle_url character varying(1024) NOT NULL,
    bundle_bytes bigint NOT NULL,
    manifest_sha256 character(64) NOT NULL,
    content_sha256 character(64) NOT NULL
);


--
-- Name: TABLE execution; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.execution IS 'how a bundle was made';


--
-- Name: COLUMN execution.execution_id; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.execution.execution_id IS ':char(32):start of the sha256 of bundle.json';


--
-- Name: COLUMN execution.process; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.execution.process IS ':varchar(64):Nextflow process';


--
-- Name: COLUMN execution.task; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.execution.task IS ':varchar(255):Nextflow''s task directory, such as 3f/70944c…';


--
-- Name: COLUMN execution.executed; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.execution.executed IS ':datetime:UTC, when it began';


--
-- Name: COLUMN execution.execution_seconds; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.execution.execution_seconds IS ':float64:wall time';


--
-- Name: COLUMN execution.peak_memory_bytes; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.execution.peak_memory_bytes IS ':int64:of the program so far';


--
-- Name: COLUMN execution.bundle_url; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.execution.bundle_url IS ':varchar(1024):directory of the bundle';


--
-- Name: COLUMN execution.bundle_bytes; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.execution.bundle_bytes IS ':int64:all its files';


--
-- Name: COLUMN execution.manifest_sha256; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.execution.manifest_sha256 IS ':char(64):of bundle.json';


--
-- Name: COLUMN execution.content_sha256; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.execution.content_sha256 IS ':char(64):of what was made: the same for the same result';


--
-- Name: label_request; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.label_request (
    request_id character(16) NOT NULL,
    channel_id character(16) NOT NULL,
    cutout character varying(64) NOT NULL
);


--
-- Name: TABLE label_request; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.label_request IS 'cutout to be labelled';


--
-- Name: param_set; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.param_set (
    paramset_id character(16) NOT NULL,
    method character varying(64) NOT NULL,
    method_version character varying(16) NOT NULL,
    parameters jsonb NOT NULL
);


--
-- Name: TABLE param_set; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.param_set IS 'method and parameters';


--
-- Name: COLUMN param_set.paramset_id; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.param_set.paramset_id IS ':char(16):hash of the rest';


--
-- Name: COLUMN param_set.method; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.param_set.method IS ':varchar(64):';


--
-- Name: COLUMN param_set.method_version; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.param_set.method_version IS ':varchar(16):';


--
-- Name: COLUMN param_set.parameters; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.param_set.parameters IS ':json:';


--
-- Name: request; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.request (
    request_id character(16) NOT NULL,
    workflow character varying(255) NOT NULL,
    paramset_id character(16) NOT NULL,
    first_run_id character(16) NOT NULL
);


--
-- Name: TABLE request; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.request IS 'one result that was asked for';


--
-- Name: COLUMN request.request_id; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.request.request_id IS ':char(16):hash of workflow, parameters and what they are applied to';


--
-- Name: COLUMN request.workflow; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.request.workflow IS ':varchar(255):module that knows its units';


--
-- Name: run; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.run (
    run_id character(16) NOT NULL,
    run_name character varying(100) NOT NULL,
    run_started timestamp(6) without time zone NOT NULL,
    run_user character varying(100) NOT NULL,
    revision character varying(100) NOT NULL,
    nextflow_version character varying(40) NOT NULL,
    profile character varying(255) NOT NULL,
    run_parameters jsonb NOT NULL
);


--
-- Name: TABLE run; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.run IS 'one nextflow run';


--
-- Name: COLUMN run.run_id; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.run.run_id IS ':char(16):hash of Nextflow''s session, run name and start';


--
-- Name: COLUMN run.run_name; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.run.run_name IS ':varchar(100):Nextflow''s name, such as happy_euler';


--
-- Name: COLUMN run.run_started; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.run.run_started IS ':datetime(6):UTC';


--
-- Name: COLUMN run.run_user; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.run.run_user IS ':varchar(100):account that started it';


--
-- Name: COLUMN run.revision; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.run.revision IS ':varchar(100):version, and commit where it is known, of the pipeline';


--
-- Name: COLUMN run.nextflow_version; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.run.nextflow_version IS ':varchar(40):';


--
-- Name: COLUMN run.profile; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.run.profile IS ':varchar(255):';


--
-- Name: COLUMN run.run_parameters; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.run.run_parameters IS ':json:as given, defaults included; store resolved';


--
-- Name: run__failure; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow.run__failure (
    run_id character(16) NOT NULL,
    unit_id character(32) NOT NULL,
    failed_process character varying(64) NOT NULL,
    failed_key jsonb NOT NULL,
    error character varying(1000) NOT NULL
);


--
-- Name: TABLE run__failure; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON TABLE bossflow.run__failure IS 'unit that failed in a run';


--
-- Name: COLUMN run__failure.unit_id; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.run__failure.unit_id IS ':char(32):hash of process and key';


--
-- Name: COLUMN run__failure.failed_process; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.run__failure.failed_process IS ':varchar(64):';


--
-- Name: COLUMN run__failure.failed_key; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.run__failure.failed_key IS ':json:primary key of the row it should have filled';


--
-- Name: COLUMN run__failure.error; Type: COMMENT; Schema: bossflow; Owner: -
--

COMMENT ON COLUMN bossflow.run__failure.error IS ':varchar(1000):one sentence';


--
-- Name: ~lineage; Type: TABLE; Schema: bossflow; Owner: -
--

CREATE TABLE bossflow."~lineage" (
    table_name character varying(64) NOT NULL,
    attribute_name character varying(64) NOT NULL,
    lineage character varying(255) NOT NULL
);


--
-- Data for Name: __block_labels; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.__block_labels (channel_id, block, label_paramset_id, n_labels, labelled_by) FROM stdin;
c3ab2ddc248bca5e	0-8_0-8_0-4	651f78dab0993be8	54	8727b021a41df70184e2d9f790ce90d6
c3ab2ddc248bca5e	8-12_0-8_0-4	651f78dab0993be8	29	a2f21e1261d1d906100c80c0447d1696
c3ab2ddc248bca5e	0-8_8-12_0-4	651f78dab0993be8	31	aac552464ee2b1db006aaadcc776049e
c3ab2ddc248bca5e	8-12_8-12_0-4	651f78dab0993be8	16	2b007f429a7aa49612fd6c7b1e1d8ac2
c3ab2ddc248bca5e	0-8_0-8_4-8	651f78dab0993be8	42	55a4d5ea5bc42e4547b8c2370be551ab
c3ab2ddc248bca5e	8-12_0-8_4-8	651f78dab0993be8	21	64d00fa3c46beecd47229858beb94f6e
c3ab2ddc248bca5e	0-8_8-12_4-8	651f78dab0993be8	24	fa15a2978dac3d569ce527c3e2ba7a92
c3ab2ddc248bca5e	8-12_8-12_4-8	651f78dab0993be8	10	2e7b542c551f7151164c05b384bcefe4
\.


--
-- Data for Name: __block_links; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.__block_links (channel_id, block, label_paramset_id, neighbourhood, n_links, linked_by) FROM stdin;
c3ab2ddc248bca5e	0-8_0-8_0-4	651f78dab0993be8	4f53cda18c2baa0c	0	e63c88370d300ae655fb8416b50b4727
c3ab2ddc248bca5e	8-12_0-8_0-4	651f78dab0993be8	b372887f9da84250	0	d197ae5f3536a5cb861196e2e0aae070
c3ab2ddc248bca5e	0-8_8-12_0-4	651f78dab0993be8	d15713f4717192f2	0	8403c6afebe83f3ebf8a5eb99cc60e98
c3ab2ddc248bca5e	8-12_8-12_0-4	651f78dab0993be8	499f351ee328b726	0	303f818cd306288c964bbbf39c502d9a
c3ab2ddc248bca5e	0-8_0-8_4-8	651f78dab0993be8	2e139ea491a1a45d	0	30d5fff0942bc6e7e8f6f28966d3e690
c3ab2ddc248bca5e	8-12_0-8_4-8	651f78dab0993be8	df528ca330bff7d1	0	15a735f64a3d5ed03ca33587e813533c
c3ab2ddc248bca5e	0-8_8-12_4-8	651f78dab0993be8	2609e31d33324d46	0	da4ceea07028a078b345c218f9885c14
c3ab2ddc248bca5e	8-12_8-12_4-8	651f78dab0993be8	1c9455080de2c43e	0	9145019055a562d573411e23e7d5eca0
\.


--
-- Data for Name: __block_links__neighbour; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.__block_links__neighbour (channel_id, block, label_paramset_id, neighbourhood, neighbour_block) FROM stdin;
c3ab2ddc248bca5e	8-12_0-8_0-4	651f78dab0993be8	b372887f9da84250	0-8_0-8_0-4
c3ab2ddc248bca5e	0-8_8-12_0-4	651f78dab0993be8	d15713f4717192f2	0-8_0-8_0-4
c3ab2ddc248bca5e	0-8_8-12_0-4	651f78dab0993be8	d15713f4717192f2	8-12_0-8_0-4
c3ab2ddc248bca5e	8-12_8-12_0-4	651f78dab0993be8	499f351ee328b726	0-8_0-8_0-4
c3ab2ddc248bca5e	8-12_8-12_0-4	651f78dab0993be8	499f351ee328b726	8-12_0-8_0-4
c3ab2ddc248bca5e	8-12_8-12_0-4	651f78dab0993be8	499f351ee328b726	0-8_8-12_0-4
c3ab2ddc248bca5e	0-8_0-8_4-8	651f78dab0993be8	2e139ea491a1a45d	0-8_0-8_0-4
c3ab2ddc248bca5e	0-8_0-8_4-8	651f78dab0993be8	2e139ea491a1a45d	8-12_0-8_0-4
c3ab2ddc248bca5e	0-8_0-8_4-8	651f78dab0993be8	2e139ea491a1a45d	0-8_8-12_0-4
c3ab2ddc248bca5e	0-8_0-8_4-8	651f78dab0993be8	2e139ea491a1a45d	8-12_8-12_0-4
c3ab2ddc248bca5e	8-12_0-8_4-8	651f78dab0993be8	df528ca330bff7d1	0-8_0-8_0-4
c3ab2ddc248bca5e	8-12_0-8_4-8	651f78dab0993be8	df528ca330bff7d1	8-12_0-8_0-4
c3ab2ddc248bca5e	8-12_0-8_4-8	651f78dab0993be8	df528ca330bff7d1	0-8_8-12_0-4
c3ab2ddc248bca5e	8-12_0-8_4-8	651f78dab0993be8	df528ca330bff7d1	8-12_8-12_0-4
c3ab2ddc248bca5e	8-12_0-8_4-8	651f78dab0993be8	df528ca330bff7d1	0-8_0-8_4-8
c3ab2ddc248bca5e	0-8_8-12_4-8	651f78dab0993be8	2609e31d33324d46	0-8_0-8_0-4
c3ab2ddc248bca5e	0-8_8-12_4-8	651f78dab0993be8	2609e31d33324d46	8-12_0-8_0-4
c3ab2ddc248bca5e	0-8_8-12_4-8	651f78dab0993be8	2609e31d33324d46	0-8_8-12_0-4
c3ab2ddc248bca5e	0-8_8-12_4-8	651f78dab0993be8	2609e31d33324d46	8-12_8-12_0-4
c3ab2ddc248bca5e	0-8_8-12_4-8	651f78dab0993be8	2609e31d33324d46	0-8_0-8_4-8
c3ab2ddc248bca5e	0-8_8-12_4-8	651f78dab0993be8	2609e31d33324d46	8-12_0-8_4-8
c3ab2ddc248bca5e	8-12_8-12_4-8	651f78dab0993be8	1c9455080de2c43e	0-8_0-8_0-4
c3ab2ddc248bca5e	8-12_8-12_4-8	651f78dab0993be8	1c9455080de2c43e	8-12_0-8_0-4
c3ab2ddc248bca5e	8-12_8-12_4-8	651f78dab0993be8	1c9455080de2c43e	0-8_8-12_0-4
c3ab2ddc248bca5e	8-12_8-12_4-8	651f78dab0993be8	1c9455080de2c43e	8-12_8-12_0-4
c3ab2ddc248bca5e	8-12_8-12_4-8	651f78dab0993be8	1c9455080de2c43e	0-8_0-8_4-8
c3ab2ddc248bca5e	8-12_8-12_4-8	651f78dab0993be8	1c9455080de2c43e	8-12_0-8_4-8
c3ab2ddc248bca5e	8-12_8-12_4-8	651f78dab0993be8	1c9455080de2c43e	0-8_8-12_4-8
\.


--
-- Data for Name: __segmentation; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.__segmentation (request_id, n_components, n_component_rows, volume, components, stitched_by) FROM stdin;
67a421e49bf2d1db	6	6	file:///lab/store/STITCH/70/703ac77e8b301cf56cf16b2c04d4bbfb/segmentation	file:///lab/store/STITCH/70/703ac77e8b301cf56cf16b2c04d4bbfb/components	72d1ef3c71a6f825db7c81c53e014640
6dbb0835c5f2de6a	12	12	file:///lab/store/STITCH/be/be03bce4446c55ded7bbbd5011f27f45/segmentation	file:///lab/store/STITCH/be/be03bce4446c55ded7bbbd5011f27f45/components	e21809fdfe647eb0182cbd7e89237e33
\.


--
-- Data for Name: __segmentation__component; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.__segmentation__component (request_id, component_id, segment_id, voxel_count, bbox_x0, bbox_x1, bbox_y0, bbox_y1, bbox_z0, bbox_z1, centroid_x, centroid_y, centroid_z, centroid_x_nm, centroid_y_nm, centroid_z_nm) FROM stdin;
67a421e49bf2d1db	1	8765645124121539899	44	4	8	0	4	0	4	5.340909090909091	1.4772727272727273	1.5454545454545454	5.340909090909091	1.4772727272727273	1.5454545454545454
67a421e49bf2d1db	2	135209831528385355	39	8	12	0	4	0	4	9.461538461538462	1.3333333333333333	1.4102564102564104	9.461538461538462	1.3333333333333333	1.4102564102564104
67a421e49bf2d1db	3	6046656411150357428	46	0	4	4	8	0	4	1.5	5.543478260869565	1.565217391304348	1.5	5.543478260869565	1.565217391304348
67a421e49bf2d1db	4	1783020779833059921	42	4	8	4	8	0	4	5.5	5.4523809523809526	1.5	5.5	5.4523809523809526	1.5
67a421e49bf2d1db	5	3684426027837754676	45	8	12	4	8	0	4	9.644444444444444	5.488888888888889	1.6	9.644444444444444	5.488888888888889	1.6
67a421e49bf2d1db	6	8588514052641255391	45	8	12	8	12	0	4	9.622222222222222	9.511111111111111	1.3555555555555556	9.622222222222222	9.511111111111111	1.3555555555555556
6dbb0835c5f2de6a	1	8765645124121539899	44	4	8	0	4	0	4	5.340909090909091	1.4772727272727273	1.5454545454545454	5.340909090909091	1.4772727272727273	1.5454545454545454
6dbb0835c5f2de6a	2	135209831528385355	39	8	12	0	4	0	4	9.461538461538462	1.3333333333333333	1.4102564102564104	9.461538461538462	1.3333333333333333	1.4102564102564104
6dbb0835c5f2de6a	3	6046656411150357428	46	0	4	4	8	0	4	1.5	5.543478260869565	1.565217391304348	1.5	5.543478260869565	1.565217391304348
6dbb0835c5f2de6a	4	1783020779833059921	42	4	8	4	8	0	4	5.5	5.4523809523809526	1.5	5.5	5.4523809523809526	1.5
6dbb0835c5f2de6a	5	3684426027837754676	45	8	12	4	8	0	4	9.644444444444444	5.488888888888889	1.6	9.644444444444444	5.488888888888889	1.6
6dbb0835c5f2de6a	6	8588514052641255391	45	8	12	8	12	0	4	9.622222222222222	9.511111111111111	1.3555555555555556	9.622222222222222	9.511111111111111	1.3555555555555556
6dbb0835c5f2de6a	7	2742998824050217266	51	8	12	0	4	4	8	9.529411764705882	1.4901960784313726	5.411764705882353	9.529411764705882	1.4901960784313726	5.411764705882353
6dbb0835c5f2de6a	8	411145393363205507	42	0	4	4	8	4	8	1.5476190476190477	5.285714285714286	5.428571428571429	1.5476190476190477	5.285714285714286	5.428571428571429
6dbb0835c5f2de6a	9	4592154964760526898	49	4	8	4	8	4	8	5.489795918367347	5.571428571428571	5.489795918367347	5.489795918367347	5.571428571428571	5.489795918367347
6dbb0835c5f2de6a	10	690540144241663908	45	8	12	4	8	4	8	9.511111111111111	5.533333333333333	5.466666666666667	9.511111111111111	5.533333333333333	5.466666666666667
6dbb0835c5f2de6a	11	3434640859145112583	41	4	8	8	12	4	8	5.609756097560975	9.317073170731707	5.512195121951219	5.609756097560975	9.317073170731707	5.512195121951219
6dbb0835c5f2de6a	12	5397076580171562215	52	8	12	8	12	4	8	9.423076923076923	9.557692307692308	5.423076923076923	9.423076923076923	9.557692307692308	5.423076923076923
\.


--
-- Data for Name: __segmentation__source; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.__segmentation__source (request_id, channel_id, block, label_paramset_id, neighbourhood) FROM stdin;
67a421e49bf2d1db	c3ab2ddc248bca5e	0-8_0-8_0-4	651f78dab0993be8	4f53cda18c2baa0c
67a421e49bf2d1db	c3ab2ddc248bca5e	8-12_0-8_0-4	651f78dab0993be8	b372887f9da84250
67a421e49bf2d1db	c3ab2ddc248bca5e	0-8_8-12_0-4	651f78dab0993be8	d15713f4717192f2
67a421e49bf2d1db	c3ab2ddc248bca5e	8-12_8-12_0-4	651f78dab0993be8	499f351ee328b726
6dbb0835c5f2de6a	c3ab2ddc248bca5e	0-8_0-8_0-4	651f78dab0993be8	4f53cda18c2baa0c
6dbb0835c5f2de6a	c3ab2ddc248bca5e	8-12_0-8_0-4	651f78dab0993be8	b372887f9da84250
6dbb0835c5f2de6a	c3ab2ddc248bca5e	0-8_8-12_0-4	651f78dab0993be8	d15713f4717192f2
6dbb0835c5f2de6a	c3ab2ddc248bca5e	8-12_8-12_0-4	651f78dab0993be8	499f351ee328b726
6dbb0835c5f2de6a	c3ab2ddc248bca5e	0-8_0-8_4-8	651f78dab0993be8	2e139ea491a1a45d
6dbb0835c5f2de6a	c3ab2ddc248bca5e	8-12_0-8_4-8	651f78dab0993be8	df528ca330bff7d1
6dbb0835c5f2de6a	c3ab2ddc248bca5e	0-8_8-12_4-8	651f78dab0993be8	2609e31d33324d46
6dbb0835c5f2de6a	c3ab2ddc248bca5e	8-12_8-12_4-8	651f78dab0993be8	1c9455080de2c43e
\.


--
-- Data for Name: __segmentation_block; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.__segmentation_block (request_id, channel_id, block, label_paramset_id, lookup_sha256, relabelled_by) FROM stdin;
67a421e49bf2d1db	c3ab2ddc248bca5e	0-8_0-8_0-4	651f78dab0993be8	7e1efc4b9897bdc330f1d779eb3669ee323a86965756efaef91482b7534af68e	abfd3bab623c5f706cdbc93449873217
67a421e49bf2d1db	c3ab2ddc248bca5e	8-12_0-8_0-4	651f78dab0993be8	d527acc3437fcd0d2a62258743d4848ad321373815569caf8b12ba3042957d08	9690b3cd05b264049924a2cd97c389ff
67a421e49bf2d1db	c3ab2ddc248bca5e	0-8_8-12_0-4	651f78dab0993be8	38723a2e5e8a17aa7950dc008209944e898f69a7bd10a23c839d341e935fd5ca	50033ccaac351be9038ddac814a81371
67a421e49bf2d1db	c3ab2ddc248bca5e	8-12_8-12_0-4	651f78dab0993be8	e448215d6ca62d905e046cff2ab4756fa21132117aa05e555158baddccc2ef5a	5656efe2886af8d9c782f970f1c0fcfe
6dbb0835c5f2de6a	c3ab2ddc248bca5e	0-8_0-8_0-4	651f78dab0993be8	7e1efc4b9897bdc330f1d779eb3669ee323a86965756efaef91482b7534af68e	09cf0de8e9fdfd095ab912cbb86b61d3
6dbb0835c5f2de6a	c3ab2ddc248bca5e	8-12_0-8_0-4	651f78dab0993be8	d527acc3437fcd0d2a62258743d4848ad321373815569caf8b12ba3042957d08	9296517a4d2f14d0344631d5537dd841
6dbb0835c5f2de6a	c3ab2ddc248bca5e	0-8_8-12_0-4	651f78dab0993be8	38723a2e5e8a17aa7950dc008209944e898f69a7bd10a23c839d341e935fd5ca	d6fde7903408c554e0c6548a4fe3c854
6dbb0835c5f2de6a	c3ab2ddc248bca5e	8-12_8-12_0-4	651f78dab0993be8	e448215d6ca62d905e046cff2ab4756fa21132117aa05e555158baddccc2ef5a	a72b3a12dc5676a9a183e33efc2bf893
6dbb0835c5f2de6a	c3ab2ddc248bca5e	0-8_0-8_4-8	651f78dab0993be8	3f8b6a0eddf0b125cd6c9a18c4684061145adfe58aeb04ca473e50782168814c	355fefdc1db0cda9687ff302ba06be13
6dbb0835c5f2de6a	c3ab2ddc248bca5e	8-12_0-8_4-8	651f78dab0993be8	be3e6c0327273fc9b5a4de32ae64c54150a92648387cf33858823b4b66d66d0a	6c9f1d31b23b2cec6314719ae2acd06a
6dbb0835c5f2de6a	c3ab2ddc248bca5e	0-8_8-12_4-8	651f78dab0993be8	61e7c6be8769c877f1249b914a325e20c0de70424d4dab80ff1bedeed471d660	ccbe84bfd4a138de12e48fab8234d866
6dbb0835c5f2de6a	c3ab2ddc248bca5e	8-12_8-12_4-8	651f78dab0993be8	2078d98d1a893010ed65db555b5937dc584d5a8a5e6dc7172ca6994a67c2c9c8	911009671a62e8da977032398e64f6d0
\.


--
-- Data for Name: _pulled_block; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow._pulled_block (channel_id, block, voxels_sha256, pulled_by) FROM stdin;
c3ab2ddc248bca5e	0-8_0-8_0-4	4605aa17af38fb179d05eceebada3901087f736c7a0435eb6844baa32fe7b9f4	ead0310ab1b5a5934065a940a3f5f99a
c3ab2ddc248bca5e	8-12_0-8_0-4	609095a56aca167dcc8d6c1665c6c0705d1c29d6259af2b4e600efda61642488	faea4667f97ccadfb333cb1550b620c0
c3ab2ddc248bca5e	0-8_8-12_0-4	3d848b135355bf1bbba6bf6795c0b2d1a8475d256318fc4554b4ac4031a420f6	0f02a44d76338c349a9c1d6eb547a2ed
c3ab2ddc248bca5e	8-12_8-12_0-4	ad6f0b9e35d9c052b1aef326f7b7108e4b01ab05e539c5666c71128d2f0ef7ef	3eb63070b144a8322c5f1bb68ffcd150
c3ab2ddc248bca5e	0-8_0-8_4-8	309a9e01657cfbd82918e7d38f436feaa4adea1199c6d6f95c35e42cd47c3ee4	69e7a4bc57d927bd53e54804b0f8efcb
c3ab2ddc248bca5e	8-12_0-8_4-8	1492b30b9d9c817e853c4c0f7bd7217a3f3392fbf57bbe06787574320ed2c78e	8468446e97b208a3d260524b41ed1c0b
c3ab2ddc248bca5e	0-8_8-12_4-8	39025f46959828789b41e8ef82161d5504bb5764c2cd7ad81d2b8016a480b3ee	a4bc3924100440db42b35b0a1e7a5da5
c3ab2ddc248bca5e	8-12_8-12_4-8	4c66a026e16924f64890798698c295386de9a0d8b8830793be429b2108605e01	bb63d7c89125df20f222ee860042ce1d
\.


--
-- Data for Name: block; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.block (channel_id, block, block_x0, block_x1, block_y0, block_y1, block_z0, block_z1) FROM stdin;
c3ab2ddc248bca5e	0-8_0-8_0-4	0	8	0	8	0	4
c3ab2ddc248bca5e	8-12_0-8_0-4	8	12	0	8	0	4
c3ab2ddc248bca5e	0-8_8-12_0-4	0	8	8	12	0	4
c3ab2ddc248bca5e	8-12_8-12_0-4	8	12	8	12	0	4
c3ab2ddc248bca5e	0-8_0-8_4-8	0	8	0	8	4	8
c3ab2ddc248bca5e	8-12_0-8_4-8	8	12	0	8	4	8
c3ab2ddc248bca5e	0-8_8-12_4-8	0	8	8	12	4	8
c3ab2ddc248bca5e	8-12_8-12_4-8	8	12	8	12	4	8
\.


--
-- Data for Name: channel; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.channel (channel_id, archive, uri, resolution, kind, dtype, channel_x0, channel_x1, channel_y0, channel_y1, channel_z0, channel_z1, voxel_size_x, voxel_size_y, voxel_size_z, written_by) FROM stdin;
c3ab2ddc248bca5e	lab	bossdb://lab/slice/neurons	0	annotation	uint64	0	12	0	12	0	8	1	1	1	\N
\.


--
-- Data for Name: cutout; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.cutout (channel_id, cutout, cutout_x0, cutout_x1, cutout_y0, cutout_y1, cutout_z0, cutout_z1) FROM stdin;
c3ab2ddc248bca5e	0-12_0-12_0-4	0	12	0	12	0	4
c3ab2ddc248bca5e	0-12_0-12_0-8	0	12	0	12	0	8
\.


--
-- Data for Name: environment; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.environment (environment_id, container, code, software) FROM stdin;
2f1abe05303f8b74	\N	5bec77c1270e631a	{"numpy": "2.4.6", "intern": "1.4.2", "python": "3.11.7", "tensorstore": "0.1.86"}
83e58930d3525e33	\N	5bec77c1270e631a	{"numba": "0.68.1", "numpy": "2.4.6", "python": "3.11.7", "pyarrow": "26.0.1", "tensorstore": "0.1.86", "connected-components-3d": "4.1.1"}
c0192597a806d2aa	\N	5bec77c1270e631a	{"numpy": "2.4.6", "python": "3.11.7", "pyarrow": "26.0.1"}
d3776529f0960584	\N	5bec77c1270e631a	{"numpy": "2.4.6", "scipy": "1.17.1", "python": "3.11.7", "pyarrow": "26.0.1"}
185bc9c55c5b1a90	\N	5bec77c1270e631a	{"numba": "0.68.1", "numpy": "2.4.6", "python": "3.11.7", "tensorstore": "0.1.86"}
\.


--
-- Data for Name: execution; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.execution (execution_id, process, run_id, environment_id, task, executed, execution_seconds, peak_memory_bytes, bundle_url, bundle_bytes, manifest_sha256, content_sha256) FROM stdin;
ead0310ab1b5a5934065a940a3f5f99a	PULL_BLOCK	5e6f41826b52c63b	2f1abe05303f8b74	bb/90943662ab0a14adbcd92d5eb6e0b8	2026-11-21 13:30:15	1.086	77971456	file:///lab/store/PULL_BLOCK/c3/c37af569ed521c95cff6768b09840181	815	ead0310ab1b5a5934065a940a3f5f99ab666842b925bfd85d8a8ed832a22fe13	e2d7ecc21a176d49ce629f75dfc5879ce794ed7ca416071a3d95e2067b9fd80e
faea4667f97ccadfb333cb1550b620c0	PULL_BLOCK	5e6f41826b52c63b	2f1abe05303f8b74	bb/90943662ab0a14adbcd92d5eb6e0b8	2026-11-21 13:30:16	0.036	77971456	file:///lab/store/PULL_BLOCK/90/909dde814de8beba95c7cd51b89d45e2	537	faea4667f97ccadfb333cb1550b620c0ecb6ca2a85dcc9b514cea1550e855e95	ccf014c984df783b9bcfabc33c6b080c1724b9eeffbb4ef7e0e81cc30b4d9a90
0f02a44d76338c349a9c1d6eb547a2ed	PULL_BLOCK	5e6f41826b52c63b	2f1abe05303f8b74	bb/90943662ab0a14adbcd92d5eb6e0b8	2026-11-21 13:30:16	0.025	78233600	file:///lab/store/PULL_BLOCK/42/420e8b82a4ed7e5c04fa819ab5376ab1	495	0f02a44d76338c349a9c1d6eb547a2edd1bd5aa584ecebe1747c19bd83a76078	70118ff70cb359f5135d7f2681cfb0629dabd7942cb797e65bce7d31e55ab598
3eb63070b144a8322c5f1bb68ffcd150	PULL_BLOCK	5e6f41826b52c63b	2f1abe05303f8b74	bb/90943662ab0a14adbcd92d5eb6e0b8	2026-11-21 13:30:16	0.02	78233600	file:///lab/store/PULL_BLOCK/9f/9f2ce13898ff4414caec0262a80a974f	385	3eb63070b144a8322c5f1bb68ffcd150368b51bd586359aad0e9dc507f33b9d0	b96ec66b8e58ef8467ebc47503f81333d7cbc3e58fb9b714da454e3f504b2753
8727b021a41df70184e2d9f790ce90d6	LABEL_BLOCK	5e6f41826b52c63b	83e58930d3525e33	4f/ccecd40ab887ca07c72ad059b93cb0	2026-11-21 13:30:21	45.47	264658944	file:///lab/store/LABEL_BLOCK/df/df3cbc1f29772ceef1e04d142f3f92a9	6085	8727b021a41df70184e2d9f790ce90d6103602764909581f2ad794b891ea8e40	8541ed70bab66bed9cf691032fefdd8113533bfc5d321b3f8cd42583dc73f6da
a2f21e1261d1d906100c80c0447d1696	LABEL_BLOCK	5e6f41826b52c63b	83e58930d3525e33	4f/ccecd40ab887ca07c72ad059b93cb0	2026-11-21 13:31:07	0.017	264658944	file:///lab/store/LABEL_BLOCK/7b/7bfcfcf29fd2823e9df25e5c1b8e1daa	5381	a2f21e1261d1d906100c80c0447d16965de7228d4847d7fa75b633666bc7214a	143ea9791ad583a016e001dcbc0db7a5c7dbd0986eb6bf285c5854c4d929b823
aac552464ee2b1db006aaadcc776049e	LABEL_BLOCK	5e6f41826b52c63b	83e58930d3525e33	4f/ccecd40ab887ca07c72ad059b93cb0	2026-11-21 13:31:07	0.009	264658944	file:///lab/store/LABEL_BLOCK/7f/7f1b49e937e49fce348113b98d72cb6c	5330	aac552464ee2b1db006aaadcc776049e0f8eb497d65d5971b5397f47dda5310c	a491d8f5cb3ce9fedcf28678e5e63cda046ab2c52e9e887b750be6410ce02d1d
2b007f429a7aa49612fd6c7b1e1d8ac2	LABEL_BLOCK	5e6f41826b52c63b	83e58930d3525e33	4f/ccecd40ab887ca07c72ad059b93cb0	2026-11-21 13:31:07	0.009	264658944	file:///lab/store/LABEL_BLOCK/8f/8f753993654f5271c65b62b27d2a68c5	4939	2b007f429a7aa49612fd6c7b1e1d8ac2a4ae33af3586149ab4da3b531ef0c30a	059a1afff95675af11785cecba305a72d1bd604a76e1301127ad7409958177b6
e63c88370d300ae655fb8416b50b4727	LINK_BLOCK	5e6f41826b52c63b	c0192597a806d2aa	60/b518be3cde09eb3f866d3ef764ca39	2026-11-21 13:31:13	0.044	81981440	file:///lab/store/LINK_BLOCK/0f/0f1c910ef8e67da5b48aaa4943bd544f	1107	e63c88370d300ae655fb8416b50b4727bf8d3716d6771cd286b7fa6e52254f80	ebbdf0f45f7e68638a7852251e4b51e95f32adbf8400d1aaa3fc4abc8852b4f0
d197ae5f3536a5cb861196e2e0aae070	LINK_BLOCK	5e6f41826b52c63b	c0192597a806d2aa	60/b518be3cde09eb3f866d3ef764ca39	2026-11-21 13:31:13	0.222	83169280	file:///lab/store/LINK_BLOCK/19/19b71fa4417f1fdd2906e485e8d9618a	1237	d197ae5f3536a5cb861196e2e0aae0706b449d3cbbc13640957781e7b33fdfc8	afebaffa621a4a355824af4470b3058c9ccc6950816ad3a6d8f545d2f8d4a24e
8403c6afebe83f3ebf8a5eb99cc60e98	LINK_BLOCK	5e6f41826b52c63b	c0192597a806d2aa	60/b518be3cde09eb3f866d3ef764ca39	2026-11-21 13:31:13	0.03	83169280	file:///lab/store/LINK_BLOCK/f4/f450688c9e57e5e01ce83e7bfb6174ed	1252	8403c6afebe83f3ebf8a5eb99cc60e9835f60088499e5baf0c0ad24b335786be	61c32dab4f543c8f9ae0df74469f5c993c6e0e772724941191cbe1d58a8857e6
303f818cd306288c964bbbf39c502d9a	LINK_BLOCK	5e6f41826b52c63b	c0192597a806d2aa	60/b518be3cde09eb3f866d3ef764ca39	2026-11-21 13:31:13	0.057	83169280	file:///lab/store/LINK_BLOCK/62/62ba3b5b16c3892e3cdb645d1fa9c8fc	1261	303f818cd306288c964bbbf39c502d9a343e9753a496f6d1c0ca5ff2545163c3	b2f3fc85c3d98a77cd26687d500cfe072b4018aee531404d904baad7ce01e732
72d1ef3c71a6f825db7c81c53e014640	STITCH	5e6f41826b52c63b	d3776529f0960584	33/952109d7927e74a00b0bf0cff11d70	2026-11-21 13:31:18	2.563	136065024	file:///lab/store/STITCH/70/703ac77e8b301cf56cf16b2c04d4bbfb	7966	72d1ef3c71a6f825db7c81c53e014640f067bcca39ea539368635e4518939e8b	b066a955ed5c3e4d95b772b2c481306627f58c271b0fc7d28f9b00a212c32cfc
abfd3bab623c5f706cdbc93449873217	RELABEL_BLOCK	5e6f41826b52c63b	185bc9c55c5b1a90	8b/a53fdfea209dea86101f9f0873d6ee	2026-11-21 13:31:24	1.794	130473984	file:///lab/store/RELABEL_BLOCK/b5/b556b32a8d1b42202b88792cb5f7f9f8	744	abfd3bab623c5f706cdbc93449873217be7cc8a1a89221d875a679255ae5314d	697c1e5a9a1dc2ba3f80e23bff05000f7cb8f1833d21b24e0927bf1bfdef83c6
9690b3cd05b264049924a2cd97c389ff	RELABEL_BLOCK	5e6f41826b52c63b	185bc9c55c5b1a90	8b/a53fdfea209dea86101f9f0873d6ee	2026-11-21 13:31:26	0.011	130473984	file:///lab/store/RELABEL_BLOCK/f5/f59fb6d0b610c33f0e141f9f6116f552	644	9690b3cd05b264049924a2cd97c389fff3f61e88eee525ae78467d023c1c1a61	43f316794b1f050d452d815105eb96a7af57c5cc0205e961497fce5a3bad4cc7
50033ccaac351be9038ddac814a81371	RELABEL_BLOCK	5e6f41826b52c63b	185bc9c55c5b1a90	8b/a53fdfea209dea86101f9f0873d6ee	2026-11-21 13:31:26	0.014	130473984	file:///lab/store/RELABEL_BLOCK/8c/8c9eade8e19e30c702fa3322599caa44	652	50033ccaac351be9038ddac814a8137175d5e26384aca4403a722cf399bec62b	6fdab729dcb76bd8c02eb01a2959d64b5a25eb33b249583d01665ab6b019472b
5656efe2886af8d9c782f970f1c0fcfe	RELABEL_BLOCK	5e6f41826b52c63b	185bc9c55c5b1a90	8b/a53fdfea209dea86101f9f0873d6ee	2026-11-21 13:31:26	0.008	130473984	file:///lab/store/RELABEL_BLOCK/21/21158379737e67a3a2738576c023c1bf	592	5656efe2886af8d9c782f970f1c0fcfe335eefea14c0fc08bc136a038f1ce634	e1dfafb1dbc08a77f2177d35ef9332c00598e7be3c250a7f75ea1af3216bbc6b
69e7a4bc57d927bd53e54804b0f8efcb	PULL_BLOCK	f8e4d37e8ac75456	2f1abe05303f8b74	e7/2d9d0fb1122bfef4037f59db55b77b	2026-11-21 13:31:59	0.559	77647872	file:///lab/store/PULL_BLOCK/fd/fd1b82885ea82f5c06e70c500eb357a9	709	69e7a4bc57d927bd53e54804b0f8efcb4c8b8805bfdf91cfa7784a495e3e7e26	862d4510c04987394b928d6638e42b73562824fd5eee8cd790a2ecc744be2c8c
8468446e97b208a3d260524b41ed1c0b	PULL_BLOCK	f8e4d37e8ac75456	2f1abe05303f8b74	e7/2d9d0fb1122bfef4037f59db55b77b	2026-11-21 13:31:59	0.034	77647872	file:///lab/store/PULL_BLOCK/e7/e7a22ee2f83251a4b05280028a0990b0	500	8468446e97b208a3d260524b41ed1c0bcfb94d8828ffcfa55a975ef832b131c6	1b41f5a0ca12c89b97ecc499f88a2a1a75dd33de23e3ae50b88e94d5a1134eba
a4bc3924100440db42b35b0a1e7a5da5	PULL_BLOCK	f8e4d37e8ac75456	2f1abe05303f8b74	e7/2d9d0fb1122bfef4037f59db55b77b	2026-11-21 13:31:59	0.034	77778944	file:///lab/store/PULL_BLOCK/c4/c4c4b1c1a7cf7e70c40476eefeee6fb5	503	a4bc3924100440db42b35b0a1e7a5da5a378877e3a116942ea293d82ee5737fa	61385a5b91e979c98a5c9d37a2f4dbb5f0b207e4f43da6b86bb647c306d1080b
bb63d7c89125df20f222ee860042ce1d	PULL_BLOCK	f8e4d37e8ac75456	2f1abe05303f8b74	e7/2d9d0fb1122bfef4037f59db55b77b	2026-11-21 13:31:59	0.072	77778944	file:///lab/store/PULL_BLOCK/7c/7c2c4c94a73ffe0361f4693b92a13e87	305	bb63d7c89125df20f222ee860042ce1d64b093cb488d3905f8d70a90503d8f4d	ced7d66b2076658b86c1165eb486d01a847e1077f9f1cfece0bc344ecb292338
55a4d5ea5bc42e4547b8c2370be551ab	LABEL_BLOCK	f8e4d37e8ac75456	83e58930d3525e33	bb/4d6907ed33dd9282ff3909b5348266	2026-11-21 13:32:01	1.97	211513344	file:///lab/store/LABEL_BLOCK/49/49c5250b250f52c023f493be0315199b	5888	55a4d5ea5bc42e4547b8c2370be551ab370bcdfd484c7d82482533d9ffa03d10	c3b84cd9c9383e199b03e3d54caf96f8d1e9a63814f369a2b2c83770b4bb4c50
64d00fa3c46beecd47229858beb94f6e	LABEL_BLOCK	f8e4d37e8ac75456	83e58930d3525e33	bb/4d6907ed33dd9282ff3909b5348266	2026-11-21 13:32:03	0.037	211513344	file:///lab/store/LABEL_BLOCK/83/8398fb6cbf024f826a98b27b23d8b0b6	5162	64d00fa3c46beecd47229858beb94f6effb817e134531b7d10e322c19f1acea8	65879ca1bd63b38036d09142336bdedbf3e95df21793f0e876143a0a867b3e00
fa15a2978dac3d569ce527c3e2ba7a92	LABEL_BLOCK	f8e4d37e8ac75456	83e58930d3525e33	bb/4d6907ed33dd9282ff3909b5348266	2026-11-21 13:32:03	0.018	211513344	file:///lab/store/LABEL_BLOCK/72/725a31a77812fdf29ded2c7cf0b93c15	5185	fa15a2978dac3d569ce527c3e2ba7a925db8269e805280519aedb148ca46b63e	24a567d86bd523e62a2527dc65e5134fff876b96f1c7a0709ffe420a379ad074
2e7b542c551f7151164c05b384bcefe4	LABEL_BLOCK	f8e4d37e8ac75456	83e58930d3525e33	bb/4d6907ed33dd9282ff3909b5348266	2026-11-21 13:32:03	0.008	211513344	file:///lab/store/LABEL_BLOCK/0c/0ce0c3002c6771e6caf3c7eb3f67c475	4849	2e7b542c551f7151164c05b384bcefe488ae6ee8b1d0950200f79ddda87c23f4	0a3a02df86500cce22e5ad5d0347d146fddf5dde459b6f18156bd706b19cc0d3
30d5fff0942bc6e7e8f6f28966d3e690	LINK_BLOCK	f8e4d37e8ac75456	c0192597a806d2aa	83/69de112ebd0484a5ff37af5fcc339e	2026-11-21 13:32:05	0.073	83193856	file:///lab/store/LINK_BLOCK/89/89476cfd47eed53ac703125fffbe908c	1269	30d5fff0942bc6e7e8f6f28966d3e690aebe57b9ecbe1dbb2019df204a892d58	13736c5cb1b3d521fc51ece85176790db4b01322a75b92ebe8eaab91e8755b8f
15a735f64a3d5ed03ca33587e813533c	LINK_BLOCK	f8e4d37e8ac75456	c0192597a806d2aa	83/69de112ebd0484a5ff37af5fcc339e	2026-11-21 13:32:05	0.007	83193856	file:///lab/store/LINK_BLOCK/ca/ca7d59e1a8a46f1f5cfc3da7538515f0	1280	15a735f64a3d5ed03ca33587e813533c57e33238d2827f79c32d438c7f030c01	899650d5f52809e43c8b65836972eb4254df8a3f7ae293762f7611ac10dd1e4c
da4ceea07028a078b345c218f9885c14	LINK_BLOCK	f8e4d37e8ac75456	c0192597a806d2aa	83/69de112ebd0484a5ff37af5fcc339e	2026-11-21 13:32:05	0.007	83193856	file:///lab/store/LINK_BLOCK/77/771588248e74e8325d89530c0b1d7c98	1279	da4ceea07028a078b345c218f9885c14541eabf0eccbc186e9ebb3eaf93490a9	ced3361e69408b8fab9b12bb00101cf3379a0c348af2cf75af95e51deba9d918
9145019055a562d573411e23e7d5eca0	LINK_BLOCK	f8e4d37e8ac75456	c0192597a806d2aa	83/69de112ebd0484a5ff37af5fcc339e	2026-11-21 13:32:05	0.009	83193856	file:///lab/store/LINK_BLOCK/30/30a589352a04affbf64495079b949438	1290	9145019055a562d573411e23e7d5eca0e936cd0118297ec839476341476205c1	57248b0017c18ed89335acdd3891a1da3c6c1fa5e29baeb60caaa942daadfbd3
e21809fdfe647eb0182cbd7e89237e33	STITCH	f8e4d37e8ac75456	d3776529f0960584	7a/f9200a174632e8c4ce83497f361028	2026-11-21 13:32:07	1.279	138207232	file:///lab/store/STITCH/be/be03bce4446c55ded7bbbd5011f27f45	8964	e21809fdfe647eb0182cbd7e89237e337a36d90e6d8c2bf246ec6bd47dde46cd	cd18ca4b299022e6df20d4a1c9cab9c88881b7d33e34a9cd041ca856f6a4aa19
09cf0de8e9fdfd095ab912cbb86b61d3	RELABEL_BLOCK	f8e4d37e8ac75456	185bc9c55c5b1a90	d5/bed06b24b037b55eb01affde44071a	2026-11-21 13:32:11	0.003	59834368	file:///lab/store/RELABEL_BLOCK/d7/d771e4a49b67626b28d6d486fe9dfafb	744	09cf0de8e9fdfd095ab912cbb86b61d314f05d838c2857d528aa82a6a67e937c	b307c89716ff440f436f7597c3c7f93bdbb437432555ab640cb759d6b42e8700
9296517a4d2f14d0344631d5537dd841	RELABEL_BLOCK	f8e4d37e8ac75456	185bc9c55c5b1a90	d5/bed06b24b037b55eb01affde44071a	2026-11-21 13:32:11	0.004	59834368	file:///lab/store/RELABEL_BLOCK/12/12b7e06a1537f0c0ab79b0d0ad305a9f	644	9296517a4d2f14d0344631d5537dd841446e6a14ab1360f2155a9cb3b5081b3a	74e3b5885bf76cd1cc1a24998e252778896cefdcfdd3d4a1ac7ec18420a34ff7
d6fde7903408c554e0c6548a4fe3c854	RELABEL_BLOCK	f8e4d37e8ac75456	185bc9c55c5b1a90	d5/bed06b24b037b55eb01affde44071a	2026-11-21 13:32:11	0.003	59834368	file:///lab/store/RELABEL_BLOCK/bd/bd977f86e0c0738f0fbdba400bd10f76	652	d6fde7903408c554e0c6548a4fe3c8542b5b3e863ec20df3400d475259de890b	e104286a0d43c21399e8d99750cc7be34aa9bfd34b719e8ecc86939ff021faef
a72b3a12dc5676a9a183e33efc2bf893	RELABEL_BLOCK	f8e4d37e8ac75456	185bc9c55c5b1a90	d5/bed06b24b037b55eb01affde44071a	2026-11-21 13:32:11	0.008	59965440	file:///lab/store/RELABEL_BLOCK/31/31bf5398941fdd2772b1740cfe5a4d27	592	a72b3a12dc5676a9a183e33efc2bf893b58f592c083eae0c465ec21b00c8ef1b	766e55f447f34cea1b14a994e35c9f04fc26f033335230aea9425398a6e24200
355fefdc1db0cda9687ff302ba06be13	RELABEL_BLOCK	f8e4d37e8ac75456	185bc9c55c5b1a90	d5/bed06b24b037b55eb01affde44071a	2026-11-21 13:32:11	0.851	130437120	file:///lab/store/RELABEL_BLOCK/a7/a7b2c2de08096546d8604416e7e0ea27	696	355fefdc1db0cda9687ff302ba06be13d156733fb584637ba39041cb53993025	d9a7f6297c59ddca92bb4bf1d196c0a3acd011205f890d0b67015b2d9577b153
6c9f1d31b23b2cec6314719ae2acd06a	RELABEL_BLOCK	f8e4d37e8ac75456	185bc9c55c5b1a90	d5/bed06b24b037b55eb01affde44071a	2026-11-21 13:32:12	0.008	130437120	file:///lab/store/RELABEL_BLOCK/5d/5d3b01c03a266e4b41126676b94e93b2	612	6c9f1d31b23b2cec6314719ae2acd06a3da0b41f4424daeae1664bf64246928b	fe78d177ffad28f3b89a691c0704502ed9cb397e15f390c08758e895580d15f3
ccbe84bfd4a138de12e48fab8234d866	RELABEL_BLOCK	f8e4d37e8ac75456	185bc9c55c5b1a90	d5/bed06b24b037b55eb01affde44071a	2026-11-21 13:32:12	0.003	130437120	file:///lab/store/RELABEL_BLOCK/28/2832a4d3095bb455252446be52ecd4b7	624	ccbe84bfd4a138de12e48fab8234d866265ac9bff541804ffe20c9902d23939f	b95033961c7ee40f55b300e8421fff608fc4af65dbe1cf3d614ea51f0c2914be
911009671a62e8da977032398e64f6d0	RELABEL_BLOCK	f8e4d37e8ac75456	185bc9c55c5b1a90	d5/bed06b24b037b55eb01affde44071a	2026-11-21 13:32:12	0.003	130437120	file:///lab/store/RELABEL_BLOCK/6c/6ca6a9100e0205068c257fd90117db0e	312	911009671a62e8da977032398e64f6d0bbc7661bb44cb58c6de0820e985cc76a	67486bca020c3fd8788c2eaf3093c26e6595807fc76c1c3351171f48d90080c0
\.


--
-- Data for Name: label_request; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.label_request (request_id, channel_id, cutout) FROM stdin;
67a421e49bf2d1db	c3ab2ddc248bca5e	0-12_0-12_0-4
6dbb0835c5f2de6a	c3ab2ddc248bca5e	0-12_0-12_0-8
\.


--
-- Data for Name: param_set; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.param_set (paramset_id, method, method_version, parameters) FROM stdin;
0a5746ba5883ecdb	label	2.0	{"staged": true, "min_voxels": 2, "block_shape": [4, 8, 8], "component_of": "segment", "connectivity": 26}
651f78dab0993be8	label_block	2	{"chunk_shape": [4, 8, 8], "component_of": "segment", "connectivity": 26}
\.


--
-- Data for Name: request; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.request (request_id, workflow, paramset_id, first_run_id) FROM stdin;
67a421e49bf2d1db	bossflow.workflows.label	0a5746ba5883ecdb	5e6f41826b52c63b
6dbb0835c5f2de6a	bossflow.workflows.label	0a5746ba5883ecdb	f8e4d37e8ac75456
\.


--
-- Data for Name: run; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.run (run_id, run_name, run_started, run_user, revision, nextflow_version, profile, run_parameters) FROM stdin;
5e6f41826b52c63b	curious_mahavira	2026-11-21 13:29:35.118719	root	0.1.0	25.04.0	standard	{"help": false, "input": null, "stage": false, "store": "/lab/store", "outdir": "results", "source": "bossdb://lab/slice/neurons", "archive": "lab", "dry_run": false, "x_range": null, "y_range": null, "z_range": [0, 4], "min_voxels": 2, "resolution": 0, "block_shape": [4, 8, 8], "bossdb_host": "http://127.0.0.1:46427", "verify_pull": false, "component_of": "segment", "connectivity": 26, "blocks_per_task": null, "foreground_above": 0, "max_component_rows": 50000000}
f8e4d37e8ac75456	suspicious_hugle	2026-11-21 13:31:43.128845	root	0.1.0	25.04.0	standard	{"help": false, "input": null, "stage": false, "store": "/lab/store", "outdir": "results", "source": "bossdb://lab/slice/neurons", "archive": "lab", "dry_run": false, "x_range": null, "y_range": null, "z_range": [0, 8], "min_voxels": 2, "resolution": 0, "block_shape": [4, 8, 8], "bossdb_host": "http://127.0.0.1:46427", "verify_pull": false, "component_of": "segment", "connectivity": 26, "blocks_per_task": null, "foreground_above": 0, "max_component_rows": 50000000}
\.


--
-- Data for Name: run__failure; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow.run__failure (run_id, unit_id, failed_process, failed_key, error) FROM stdin;
5e6f41826b52c63b	00000000000000000000000000000000	PULL_BLOCK	{"block": "0-8_0-8_0-4"}	the archive's answer was 503: 50% of the voxels \\ "µm"
\.


--
-- Data for Name: ~lineage; Type: TABLE DATA; Schema: bossflow; Owner: -
--

COPY bossflow."~lineage" (table_name, attribute_name, lineage) FROM stdin;
run	run_id	bossflow.run.run_id
run__failure	run_id	bossflow.run.run_id
run__failure	unit_id	bossflow.run__failure.unit_id
environment	environment_id	bossflow.environment.environment_id
param_set	paramset_id	bossflow.param_set.paramset_id
execution	run_id	bossflow.run.run_id
execution	environment_id	bossflow.environment.environment_id
execution	execution_id	bossflow.execution.execution_id
request	paramset_id	bossflow.param_set.paramset_id
request	first_run_id	bossflow.run.run_id
request	request_id	bossflow.request.request_id
channel	written_by	bossflow.execution.execution_id
channel	channel_id	bossflow.channel.channel_id
cutout	channel_id	bossflow.channel.channel_id
cutout	cutout	bossflow.cutout.cutout
block	channel_id	bossflow.channel.channel_id
block	block	bossflow.block.block
_pulled_block	channel_id	bossflow.channel.channel_id
_pulled_block	block	bossflow.block.block
_pulled_block	pulled_by	bossflow.execution.execution_id
label_request	request_id	bossflow.request.request_id
label_request	channel_id	bossflow.channel.channel_id
label_request	cutout	bossflow.cutout.cutout
__block_labels	channel_id	bossflow.channel.channel_id
__block_labels	block	bossflow.block.block
__block_labels	label_paramset_id	bossflow.param_set.paramset_id
__block_labels	labelled_by	bossflow.execution.execution_id
__block_links	channel_id	bossflow.channel.channel_id
__block_links	block	bossflow.block.block
__block_links	label_paramset_id	bossflow.param_set.paramset_id
__block_links	linked_by	bossflow.execution.execution_id
__block_links	neighbourhood	bossflow.__block_links.neighbourhood
__block_links__neighbour	channel_id	bossflow.channel.channel_id
__block_links__neighbour	block	bossflow.block.block
__block_links__neighbour	label_paramset_id	bossflow.param_set.paramset_id
__block_links__neighbour	neighbourhood	bossflow.__block_links.neighbourhood
__block_links__neighbour	neighbour_block	bossflow.block.block
__segmentation	request_id	bossflow.request.request_id
__segmentation	stitched_by	bossflow.execution.execution_id
__segmentation__source	request_id	bossflow.request.request_id
__segmentation__source	channel_id	bossflow.channel.channel_id
__segmentation__source	block	bossflow.block.block
__segmentation__source	label_paramset_id	bossflow.param_set.paramset_id
__segmentation__source	neighbourhood	bossflow.__block_links.neighbourhood
__segmentation__component	request_id	bossflow.request.request_id
__segmentation__component	component_id	bossflow.__segmentation__component.component_id
__segmentation_block	request_id	bossflow.request.request_id
__segmentation_block	channel_id	bossflow.channel.channel_id
__segmentation_block	block	bossflow.block.block
__segmentation_block	label_paramset_id	bossflow.param_set.paramset_id
__segmentation_block	relabelled_by	bossflow.execution.execution_id
\.


--
-- Name: __block_labels __block_labels_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__block_labels
    ADD CONSTRAINT __block_labels_pkey PRIMARY KEY (channel_id, block, label_paramset_id);


--
-- Name: __block_links__neighbour __block_links__neighbour_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__block_links__neighbour
    ADD CONSTRAINT __block_links__neighbour_pkey PRIMARY KEY (channel_id, block, label_paramset_id, neighbourhood, neighbour_block);


--
-- Name: __block_links __block_links_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__block_links
    ADD CONSTRAINT __block_links_pkey PRIMARY KEY (channel_id, block, label_paramset_id, neighbourhood);


--
-- Name: __segmentation__component __segmentation__component_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__segmentation__component
    ADD CONSTRAINT __segmentation__component_pkey PRIMARY KEY (request_id, component_id);


--
-- Name: __segmentation__source __segmentation__source_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__segmentation__source
    ADD CONSTRAINT __segmentation__source_pkey PRIMARY KEY (request_id, channel_id, block, label_paramset_id);


--
-- Name: __segmentation_block __segmentation_block_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__segmentation_block
    ADD CONSTRAINT __segmentation_block_pkey PRIMARY KEY (request_id, channel_id, block, label_paramset_id);


--
-- Name: __segmentation __segmentation_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__segmentation
    ADD CONSTRAINT __segmentation_pkey PRIMARY KEY (request_id);


--
-- Name: _pulled_block _pulled_block_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow._pulled_block
    ADD CONSTRAINT _pulled_block_pkey PRIMARY KEY (channel_id, block);


--
-- Name: block block_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.block
    ADD CONSTRAINT block_pkey PRIMARY KEY (channel_id, block);


--
-- Name: channel channel_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.channel
    ADD CONSTRAINT channel_pkey PRIMARY KEY (channel_id);


--
-- Name: cutout cutout_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.cutout
    ADD CONSTRAINT cutout_pkey PRIMARY KEY (channel_id, cutout);


--
-- Name: environment environment_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.environment
    ADD CONSTRAINT environment_pkey PRIMARY KEY (environment_id);


--
-- Name: execution execution_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.execution
    ADD CONSTRAINT execution_pkey PRIMARY KEY (execution_id);


--
-- Name: label_request label_request_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.label_request
    ADD CONSTRAINT label_request_pkey PRIMARY KEY (request_id);


--
-- Name: param_set param_set_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.param_set
    ADD CONSTRAINT param_set_pkey PRIMARY KEY (paramset_id);


--
-- Name: request request_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.request
    ADD CONSTRAINT request_pkey PRIMARY KEY (request_id);


--
-- Name: run__failure run__failure_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.run__failure
    ADD CONSTRAINT run__failure_pkey PRIMARY KEY (run_id, unit_id);


--
-- Name: run run_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (run_id);


--
-- Name: ~lineage ~lineage_pkey; Type: CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow."~lineage"
    ADD CONSTRAINT "~lineage_pkey" PRIMARY KEY (table_name, attribute_name);


--
-- Name: idx___block_labels_label_paramset_id; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx___block_labels_label_paramset_id ON bossflow.__block_labels USING btree (label_paramset_id);


--
-- Name: idx___block_labels_labelled_by; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx___block_labels_labelled_by ON bossflow.__block_labels USING btree (labelled_by);


--
-- Name: idx___block_links__neighbour_channel_id_neighbour_block_lab; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx___block_links__neighbour_channel_id_neighbour_block_lab ON bossflow.__block_links__neighbour USING btree (channel_id, neighbour_block, label_paramset_id);


--
-- Name: idx___block_links_linked_by; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx___block_links_linked_by ON bossflow.__block_links USING btree (linked_by);


--
-- Name: idx___segmentation__source_channel_id_block_label_paramse; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx___segmentation__source_channel_id_block_label_paramse ON bossflow.__segmentation__source USING btree (channel_id, block, label_paramset_id, neighbourhood);


--
-- Name: idx___segmentation_block_relabelled_by; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx___segmentation_block_relabelled_by ON bossflow.__segmentation_block USING btree (relabelled_by);


--
-- Name: idx___segmentation_stitched_by; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx___segmentation_stitched_by ON bossflow.__segmentation USING btree (stitched_by);


--
-- Name: idx__pulled_block_pulled_by; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx__pulled_block_pulled_by ON bossflow._pulled_block USING btree (pulled_by);


--
-- Name: idx_channel_written_by; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx_channel_written_by ON bossflow.channel USING btree (written_by);


--
-- Name: idx_execution_environment_id; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx_execution_environment_id ON bossflow.execution USING btree (environment_id);


--
-- Name: idx_execution_run_id; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx_execution_run_id ON bossflow.execution USING btree (run_id);


--
-- Name: idx_label_request_channel_id_cutout; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx_label_request_channel_id_cutout ON bossflow.label_request USING btree (channel_id, cutout);


--
-- Name: idx_request_first_run_id; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx_request_first_run_id ON bossflow.request USING btree (first_run_id);


--
-- Name: idx_request_paramset_id; Type: INDEX; Schema: bossflow; Owner: -
--

CREATE INDEX idx_request_paramset_id ON bossflow.request USING btree (paramset_id);


--
-- Name: __block_labels __block_labels_channel_id_block_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__block_labels
    ADD CONSTRAINT __block_labels_channel_id_block_fkey FOREIGN KEY (channel_id, block) REFERENCES bossflow.block(channel_id, block) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __block_labels __block_labels_label_paramset_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__block_labels
    ADD CONSTRAINT __block_labels_label_paramset_id_fkey FOREIGN KEY (label_paramset_id) REFERENCES bossflow.param_set(paramset_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __block_labels __block_labels_labelled_by_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__block_labels
    ADD CONSTRAINT __block_labels_labelled_by_fkey FOREIGN KEY (labelled_by) REFERENCES bossflow.execution(execution_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __block_links__neighbour __block_links__neighbour_channel_id_block_label_paramset_i_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__block_links__neighbour
    ADD CONSTRAINT __block_links__neighbour_channel_id_block_label_paramset_i_fkey FOREIGN KEY (channel_id, block, label_paramset_id, neighbourhood) REFERENCES bossflow.__block_links(channel_id, block, label_paramset_id, neighbourhood) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __block_links__neighbour __block_links__neighbour_channel_id_neighbour_block_label__fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__block_links__neighbour
    ADD CONSTRAINT __block_links__neighbour_channel_id_neighbour_block_label__fkey FOREIGN KEY (channel_id, neighbour_block, label_paramset_id) REFERENCES bossflow.__block_labels(channel_id, block, label_paramset_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __block_links __block_links_channel_id_block_label_paramset_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__block_links
    ADD CONSTRAINT __block_links_channel_id_block_label_paramset_id_fkey FOREIGN KEY (channel_id, block, label_paramset_id) REFERENCES bossflow.__block_labels(channel_id, block, label_paramset_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __block_links __block_links_linked_by_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__block_links
    ADD CONSTRAINT __block_links_linked_by_fkey FOREIGN KEY (linked_by) REFERENCES bossflow.execution(execution_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __segmentation__component __segmentation__component_request_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__segmentation__component
    ADD CONSTRAINT __segmentation__component_request_id_fkey FOREIGN KEY (request_id) REFERENCES bossflow.__segmentation(request_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __segmentation__source __segmentation__source_channel_id_block_label_paramset_id__fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__segmentation__source
    ADD CONSTRAINT __segmentation__source_channel_id_block_label_paramset_id__fkey FOREIGN KEY (channel_id, block, label_paramset_id, neighbourhood) REFERENCES bossflow.__block_links(channel_id, block, label_paramset_id, neighbourhood) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __segmentation__source __segmentation__source_channel_id_block_label_paramset_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__segmentation__source
    ADD CONSTRAINT __segmentation__source_channel_id_block_label_paramset_id_fkey FOREIGN KEY (channel_id, block, label_paramset_id) REFERENCES bossflow.__block_labels(channel_id, block, label_paramset_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __segmentation__source __segmentation__source_request_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__segmentation__source
    ADD CONSTRAINT __segmentation__source_request_id_fkey FOREIGN KEY (request_id) REFERENCES bossflow.__segmentation(request_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __segmentation_block __segmentation_block_relabelled_by_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__segmentation_block
    ADD CONSTRAINT __segmentation_block_relabelled_by_fkey FOREIGN KEY (relabelled_by) REFERENCES bossflow.execution(execution_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __segmentation_block __segmentation_block_request_id_channel_id_block_label_par_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__segmentation_block
    ADD CONSTRAINT __segmentation_block_request_id_channel_id_block_label_par_fkey FOREIGN KEY (request_id, channel_id, block, label_paramset_id) REFERENCES bossflow.__segmentation__source(request_id, channel_id, block, label_paramset_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __segmentation __segmentation_request_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__segmentation
    ADD CONSTRAINT __segmentation_request_id_fkey FOREIGN KEY (request_id) REFERENCES bossflow.label_request(request_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: __segmentation __segmentation_stitched_by_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.__segmentation
    ADD CONSTRAINT __segmentation_stitched_by_fkey FOREIGN KEY (stitched_by) REFERENCES bossflow.execution(execution_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: _pulled_block _pulled_block_channel_id_block_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow._pulled_block
    ADD CONSTRAINT _pulled_block_channel_id_block_fkey FOREIGN KEY (channel_id, block) REFERENCES bossflow.block(channel_id, block) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: _pulled_block _pulled_block_pulled_by_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow._pulled_block
    ADD CONSTRAINT _pulled_block_pulled_by_fkey FOREIGN KEY (pulled_by) REFERENCES bossflow.execution(execution_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: block block_channel_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.block
    ADD CONSTRAINT block_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES bossflow.channel(channel_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: channel channel_written_by_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.channel
    ADD CONSTRAINT channel_written_by_fkey FOREIGN KEY (written_by) REFERENCES bossflow.execution(execution_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: cutout cutout_channel_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.cutout
    ADD CONSTRAINT cutout_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES bossflow.channel(channel_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: execution execution_environment_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.execution
    ADD CONSTRAINT execution_environment_id_fkey FOREIGN KEY (environment_id) REFERENCES bossflow.environment(environment_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: execution execution_run_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.execution
    ADD CONSTRAINT execution_run_id_fkey FOREIGN KEY (run_id) REFERENCES bossflow.run(run_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: label_request label_request_channel_id_cutout_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.label_request
    ADD CONSTRAINT label_request_channel_id_cutout_fkey FOREIGN KEY (channel_id, cutout) REFERENCES bossflow.cutout(channel_id, cutout) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: label_request label_request_request_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.label_request
    ADD CONSTRAINT label_request_request_id_fkey FOREIGN KEY (request_id) REFERENCES bossflow.request(request_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: request request_first_run_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.request
    ADD CONSTRAINT request_first_run_id_fkey FOREIGN KEY (first_run_id) REFERENCES bossflow.run(run_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: request request_paramset_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.request
    ADD CONSTRAINT request_paramset_id_fkey FOREIGN KEY (paramset_id) REFERENCES bossflow.param_set(paramset_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- Name: run__failure run__failure_run_id_fkey; Type: FK CONSTRAINT; Schema: bossflow; Owner: -
--

ALTER TABLE ONLY bossflow.run__failure
    ADD CONSTRAINT run__failure_run_id_fkey FOREIGN KEY (run_id) REFERENCES bossflow.run(run_id) ON UPDATE CASCADE ON DELETE RESTRICT;


--
-- PostgreSQL database dump complete
--

\unrestrict hwaveUnIxY1MfHwR8LfleVvOehgR4RUUYujdpqrnKpiuSVFkizY5dywhUnXiWeR

