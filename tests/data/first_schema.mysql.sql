-- MySQL dump 10.13  Distrib 9.7.4, for Linux (x86_64)
--
-- Host: 127.0.0.1    Database: bossflow
-- ------------------------------------------------------
-- Server version	9.7.4-2

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `__block_labels`
--

DROP TABLE IF EXISTS `__block_labels`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `__block_labels` (
  `channel_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of archive, uri and resolution',
  `block` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT 'x0-x1_y0-y1_z0-z1, half-open, channel voxels',
  `label_paramset_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of the rest',
  `n_labels` bigint NOT NULL COMMENT ':int64:local components',
  `labelled_by` char(32) COLLATE utf8mb4_bin NOT NULL COMMENT 'start of the sha256 of bundle.json',
  PRIMARY KEY (`channel_id`,`block`,`label_paramset_id`),
  KEY `label_paramset_id` (`label_paramset_id`),
  KEY `labelled_by` (`labelled_by`),
  CONSTRAINT `__block_labels_ibfk_1` FOREIGN KEY (`channel_id`, `block`) REFERENCES `block` (`channel_id`, `block`) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT `__block_labels_ibfk_2` FOREIGN KEY (`label_paramset_id`) REFERENCES `param_set` (`paramset_id`) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT `__block_labels_ibfk_3` FOREIGN KEY (`labelled_by`) REFERENCES `execution` (`execution_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='components within one block';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `__block_labels`
--

LOCK TABLES `__block_labels` WRITE;
/*!40000 ALTER TABLE `__block_labels` DISABLE KEYS */;
INSERT INTO `__block_labels` VALUES ('c3ab2ddc248bca5e','0-8_0-8_0-4','651f78dab0993be8',54,'453340d5dbac3f6e1949622af3dd27d0'),('c3ab2ddc248bca5e','0-8_0-8_4-8','651f78dab0993be8',42,'736a694425bca1e89e5f03e9de4c9b06'),('c3ab2ddc248bca5e','0-8_8-12_0-4','651f78dab0993be8',31,'719ba8be7284aff48969fead331c86e8'),('c3ab2ddc248bca5e','0-8_8-12_4-8','651f78dab0993be8',24,'b30c4d0c498ccc507fe6aa511210ff4a'),('c3ab2ddc248bca5e','8-12_0-8_0-4','651f78dab0993be8',29,'f955e5f1d147306f07a8b9d60f24803c'),('c3ab2ddc248bca5e','8-12_0-8_4-8','651f78dab0993be8',21,'f4ee70a32d743dea3fa56adf3558279c'),('c3ab2ddc248bca5e','8-12_8-12_0-4','651f78dab0993be8',16,'9a095ff9b127d488903d98e14f251029'),('c3ab2ddc248bca5e','8-12_8-12_4-8','651f78dab0993be8',10,'8904ed3c588c9a27974a60873a07d662');
/*!40000 ALTER TABLE `__block_labels` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `__block_links`
--

DROP TABLE IF EXISTS `__block_links`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `__block_links` (
  `channel_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of archive, uri and resolution',
  `block` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT 'x0-x1_y0-y1_z0-z1, half-open, channel voxels',
  `label_paramset_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of the rest',
  `neighbourhood` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(16):hash of the names of these blocks',
  `n_links` bigint NOT NULL COMMENT ':int64:pairs of local components',
  `linked_by` char(32) COLLATE utf8mb4_bin NOT NULL COMMENT 'start of the sha256 of bundle.json',
  PRIMARY KEY (`channel_id`,`block`,`label_paramset_id`,`neighbourhood`),
  KEY `linked_by` (`linked_by`),
  CONSTRAINT `__block_links_ibfk_1` FOREIGN KEY (`channel_id`, `block`, `label_paramset_id`) REFERENCES `__block_labels` (`channel_id`, `block`, `label_paramset_id`) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT `__block_links_ibfk_2` FOREIGN KEY (`linked_by`) REFERENCES `execution` (`execution_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='components of a block that touch those of blocks before it';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `__block_links`
--

LOCK TABLES `__block_links` WRITE;
/*!40000 ALTER TABLE `__block_links` DISABLE KEYS */;
INSERT INTO `__block_links` VALUES ('c3ab2ddc248bca5e','0-8_0-8_0-4','651f78dab0993be8','4f53cda18c2baa0c',0,'76577709736d6f16b05a8b61011588c9'),('c3ab2ddc248bca5e','0-8_0-8_4-8','651f78dab0993be8','2e139ea491a1a45d',0,'e04627d6d9da3c021c96adbf12726cb5'),('c3ab2ddc248bca5e','0-8_8-12_0-4','651f78dab0993be8','d15713f4717192f2',0,'45a66410b53691202645ff29864d074d'),('c3ab2ddc248bca5e','0-8_8-12_4-8','651f78dab0993be8','2609e31d33324d46',0,'a7477b02b479d06493712a10a9ce992c'),('c3ab2ddc248bca5e','8-12_0-8_0-4','651f78dab0993be8','b372887f9da84250',0,'dfaccf43b9b838bc97e154f86300f0da'),('c3ab2ddc248bca5e','8-12_0-8_4-8','651f78dab0993be8','df528ca330bff7d1',0,'9b998328bca37d462976aed18b11d68f'),('c3ab2ddc248bca5e','8-12_8-12_0-4','651f78dab0993be8','499f351ee328b726',0,'cfeff9e83ecc2095c8f3d6b21e4ed8a3'),('c3ab2ddc248bca5e','8-12_8-12_4-8','651f78dab0993be8','1c9455080de2c43e',0,'8cd36cefadddfb8d870251649cee2132');
/*!40000 ALTER TABLE `__block_links` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `__block_links__neighbour`
--

DROP TABLE IF EXISTS `__block_links__neighbour`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `__block_links__neighbour` (
  `channel_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of archive, uri and resolution',
  `block` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT 'x0-x1_y0-y1_z0-z1, half-open, channel voxels',
  `label_paramset_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of the rest',
  `neighbourhood` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of the names of these blocks',
  `neighbour_block` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT 'x0-x1_y0-y1_z0-z1, half-open, channel voxels',
  PRIMARY KEY (`channel_id`,`block`,`label_paramset_id`,`neighbourhood`,`neighbour_block`),
  KEY `channel_id` (`channel_id`,`neighbour_block`,`label_paramset_id`),
  CONSTRAINT `__block_links__neighbour_ibfk_1` FOREIGN KEY (`channel_id`, `block`, `label_paramset_id`, `neighbourhood`) REFERENCES `__block_links` (`channel_id`, `block`, `label_paramset_id`, `neighbourhood`) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT `__block_links__neighbour_ibfk_2` FOREIGN KEY (`channel_id`, `neighbour_block`, `label_paramset_id`) REFERENCES `__block_labels` (`channel_id`, `block`, `label_paramset_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='block before it that touches it';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `__block_links__neighbour`
--

LOCK TABLES `__block_links__neighbour` WRITE;
/*!40000 ALTER TABLE `__block_links__neighbour` DISABLE KEYS */;
INSERT INTO `__block_links__neighbour` VALUES ('c3ab2ddc248bca5e','0-8_0-8_4-8','651f78dab0993be8','2e139ea491a1a45d','0-8_0-8_0-4'),('c3ab2ddc248bca5e','0-8_8-12_0-4','651f78dab0993be8','d15713f4717192f2','0-8_0-8_0-4'),('c3ab2ddc248bca5e','0-8_8-12_4-8','651f78dab0993be8','2609e31d33324d46','0-8_0-8_0-4'),('c3ab2ddc248bca5e','8-12_0-8_0-4','651f78dab0993be8','b372887f9da84250','0-8_0-8_0-4'),('c3ab2ddc248bca5e','8-12_0-8_4-8','651f78dab0993be8','df528ca330bff7d1','0-8_0-8_0-4'),('c3ab2ddc248bca5e','8-12_8-12_0-4','651f78dab0993be8','499f351ee328b726','0-8_0-8_0-4'),('c3ab2ddc248bca5e','8-12_8-12_4-8','651f78dab0993be8','1c9455080de2c43e','0-8_0-8_0-4'),('c3ab2ddc248bca5e','0-8_8-12_4-8','651f78dab0993be8','2609e31d33324d46','0-8_0-8_4-8'),('c3ab2ddc248bca5e','8-12_0-8_4-8','651f78dab0993be8','df528ca330bff7d1','0-8_0-8_4-8'),('c3ab2ddc248bca5e','8-12_8-12_4-8','651f78dab0993be8','1c9455080de2c43e','0-8_0-8_4-8'),('c3ab2ddc248bca5e','0-8_0-8_4-8','651f78dab0993be8','2e139ea491a1a45d','0-8_8-12_0-4'),('c3ab2ddc248bca5e','0-8_8-12_4-8','651f78dab0993be8','2609e31d33324d46','0-8_8-12_0-4'),('c3ab2ddc248bca5e','8-12_0-8_4-8','651f78dab0993be8','df528ca330bff7d1','0-8_8-12_0-4'),('c3ab2ddc248bca5e','8-12_8-12_0-4','651f78dab0993be8','499f351ee328b726','0-8_8-12_0-4'),('c3ab2ddc248bca5e','8-12_8-12_4-8','651f78dab0993be8','1c9455080de2c43e','0-8_8-12_0-4'),('c3ab2ddc248bca5e','8-12_8-12_4-8','651f78dab0993be8','1c9455080de2c43e','0-8_8-12_4-8'),('c3ab2ddc248bca5e','0-8_0-8_4-8','651f78dab0993be8','2e139ea491a1a45d','8-12_0-8_0-4'),('c3ab2ddc248bca5e','0-8_8-12_0-4','651f78dab0993be8','d15713f4717192f2','8-12_0-8_0-4'),('c3ab2ddc248bca5e','0-8_8-12_4-8','651f78dab0993be8','2609e31d33324d46','8-12_0-8_0-4'),('c3ab2ddc248bca5e','8-12_0-8_4-8','651f78dab0993be8','df528ca330bff7d1','8-12_0-8_0-4'),('c3ab2ddc248bca5e','8-12_8-12_0-4','651f78dab0993be8','499f351ee328b726','8-12_0-8_0-4'),('c3ab2ddc248bca5e','8-12_8-12_4-8','651f78dab0993be8','1c9455080de2c43e','8-12_0-8_0-4'),('c3ab2ddc248bca5e','0-8_8-12_4-8','651f78dab0993be8','2609e31d33324d46','8-12_0-8_4-8'),('c3ab2ddc248bca5e','8-12_8-12_4-8','651f78dab0993be8','1c9455080de2c43e','8-12_0-8_4-8'),('c3ab2ddc248bca5e','0-8_0-8_4-8','651f78dab0993be8','2e139ea491a1a45d','8-12_8-12_0-4'),('c3ab2ddc248bca5e','0-8_8-12_4-8','651f78dab0993be8','2609e31d33324d46','8-12_8-12_0-4'),('c3ab2ddc248bca5e','8-12_0-8_4-8','651f78dab0993be8','df528ca330bff7d1','8-12_8-12_0-4'),('c3ab2ddc248bca5e','8-12_8-12_4-8','651f78dab0993be8','1c9455080de2c43e','8-12_8-12_0-4');
/*!40000 ALTER TABLE `__block_links__neighbour` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `__segmentation`
--

DROP TABLE IF EXISTS `__segmentation`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `__segmentation` (
  `request_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of workflow, parameters and what they are applied to',
  `n_components` bigint NOT NULL COMMENT ':int64:numbered 1 to n by their first voxel in ZYX C order',
  `n_component_rows` bigint NOT NULL COMMENT ':int64:of them in Component; all are in the Parquet files',
  `volume` varchar(1024) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(1024):URL of the Neuroglancer precomputed volume of component ids',
  `components` varchar(1024) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(1024):URL of the component table, a directory of Parquet files',
  `stitched_by` char(32) COLLATE utf8mb4_bin NOT NULL COMMENT 'start of the sha256 of bundle.json',
  PRIMARY KEY (`request_id`),
  KEY `stitched_by` (`stitched_by`),
  CONSTRAINT `__segmentation_ibfk_1` FOREIGN KEY (`request_id`) REFERENCES `label_request` (`request_id`) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT `__segmentation_ibfk_2` FOREIGN KEY (`stitched_by`) REFERENCES `execution` (`execution_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='connected components of a cutout';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `__segmentation`
--

LOCK TABLES `__segmentation` WRITE;
/*!40000 ALTER TABLE `__segmentation` DISABLE KEYS */;
INSERT INTO `__segmentation` VALUES ('67a421e49bf2d1db',6,6,'file:///lab/store/STITCH/70/703ac77e8b301cf56cf16b2c04d4bbfb/segmentation','file:///lab/store/STITCH/70/703ac77e8b301cf56cf16b2c04d4bbfb/components','a7c14a71cad433e67f8c77d6ad3b9edd'),('6dbb0835c5f2de6a',12,12,'file:///lab/store/STITCH/be/be03bce4446c55ded7bbbd5011f27f45/segmentation','file:///lab/store/STITCH/be/be03bce4446c55ded7bbbd5011f27f45/components','6e6dbd940e4a219f68af690490fc2dd4');
/*!40000 ALTER TABLE `__segmentation` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `__segmentation__component`
--

DROP TABLE IF EXISTS `__segmentation__component`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `__segmentation__component` (
  `request_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of workflow, parameters and what they are applied to',
  `component_id` bigint NOT NULL COMMENT ':int64:value in the volume, from 1',
  `segment_id` decimal(20,0) DEFAULT NULL COMMENT ':decimal(20,0):value in the source; null when it is foreground',
  `voxel_count` bigint NOT NULL COMMENT ':int64:',
  `bbox_x0` bigint NOT NULL COMMENT ':int64:(voxels) half-open, channel coordinates',
  `bbox_x1` bigint NOT NULL COMMENT ':int64:',
  `bbox_y0` bigint NOT NULL COMMENT ':int64:',
  `bbox_y1` bigint NOT NULL COMMENT ':int64:',
  `bbox_z0` bigint NOT NULL COMMENT ':int64:',
  `bbox_z1` bigint NOT NULL COMMENT ':int64:',
  `centroid_x` double NOT NULL COMMENT ':float64:(voxels) mean voxel index, channel coordinates',
  `centroid_y` double NOT NULL COMMENT ':float64:',
  `centroid_z` double NOT NULL COMMENT ':float64:',
  `centroid_x_nm` double NOT NULL COMMENT ':float64:(nm) centroid times voxel size',
  `centroid_y_nm` double NOT NULL COMMENT ':float64:',
  `centroid_z_nm` double NOT NULL COMMENT ':float64:',
  PRIMARY KEY (`request_id`,`component_id`),
  CONSTRAINT `__segmentation__component_ibfk_1` FOREIGN KEY (`request_id`) REFERENCES `__segmentation` (`request_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='one connected component';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `__segmentation__component`
--

LOCK TABLES `__segmentation__component` WRITE;
/*!40000 ALTER TABLE `__segmentation__component` DISABLE KEYS */;
INSERT INTO `__segmentation__component` VALUES ('67a421e49bf2d1db',1,8765645124121539899,44,4,8,0,4,0,4,5.340909090909091,1.4772727272727273,1.5454545454545454,5.340909090909091,1.4772727272727273,1.5454545454545454),('67a421e49bf2d1db',2,135209831528385355,39,8,12,0,4,0,4,9.461538461538462,1.3333333333333333,1.4102564102564104,9.461538461538462,1.3333333333333333,1.4102564102564104),('67a421e49bf2d1db',3,6046656411150357428,46,0,4,4,8,0,4,1.5,5.543478260869565,1.565217391304348,1.5,5.543478260869565,1.565217391304348),('67a421e49bf2d1db',4,1783020779833059921,42,4,8,4,8,0,4,5.5,5.4523809523809526,1.5,5.5,5.4523809523809526,1.5),('67a421e49bf2d1db',5,3684426027837754676,45,8,12,4,8,0,4,9.644444444444444,5.488888888888889,1.6,9.644444444444444,5.488888888888889,1.6),('67a421e49bf2d1db',6,8588514052641255391,45,8,12,8,12,0,4,9.622222222222222,9.511111111111111,1.3555555555555556,9.622222222222222,9.511111111111111,1.3555555555555556),('6dbb0835c5f2de6a',1,8765645124121539899,44,4,8,0,4,0,4,5.340909090909091,1.4772727272727273,1.5454545454545454,5.340909090909091,1.4772727272727273,1.5454545454545454),('6dbb0835c5f2de6a',2,135209831528385355,39,8,12,0,4,0,4,9.461538461538462,1.3333333333333333,1.4102564102564104,9.461538461538462,1.3333333333333333,1.4102564102564104),('6dbb0835c5f2de6a',3,6046656411150357428,46,0,4,4,8,0,4,1.5,5.543478260869565,1.565217391304348,1.5,5.543478260869565,1.565217391304348),('6dbb0835c5f2de6a',4,1783020779833059921,42,4,8,4,8,0,4,5.5,5.4523809523809526,1.5,5.5,5.4523809523809526,1.5),('6dbb0835c5f2de6a',5,3684426027837754676,45,8,12,4,8,0,4,9.644444444444444,5.488888888888889,1.6,9.644444444444444,5.488888888888889,1.6),('6dbb0835c5f2de6a',6,8588514052641255391,45,8,12,8,12,0,4,9.622222222222222,9.511111111111111,1.3555555555555556,9.622222222222222,9.511111111111111,1.3555555555555556),('6dbb0835c5f2de6a',7,2742998824050217266,51,8,12,0,4,4,8,9.529411764705882,1.4901960784313726,5.411764705882353,9.529411764705882,1.4901960784313726,5.411764705882353),('6dbb0835c5f2de6a',8,411145393363205507,42,0,4,4,8,4,8,1.5476190476190477,5.285714285714286,5.428571428571429,1.5476190476190477,5.285714285714286,5.428571428571429),('6dbb0835c5f2de6a',9,4592154964760526898,49,4,8,4,8,4,8,5.489795918367347,5.571428571428571,5.489795918367347,5.489795918367347,5.571428571428571,5.489795918367347),('6dbb0835c5f2de6a',10,690540144241663908,45,8,12,4,8,4,8,9.511111111111111,5.533333333333333,5.466666666666667,9.511111111111111,5.533333333333333,5.466666666666667),('6dbb0835c5f2de6a',11,3434640859145112583,41,4,8,8,12,4,8,5.609756097560975,9.317073170731707,5.512195121951219,5.609756097560975,9.317073170731707,5.512195121951219),('6dbb0835c5f2de6a',12,5397076580171562215,52,8,12,8,12,4,8,9.423076923076923,9.557692307692308,5.423076923076923,9.423076923076923,9.557692307692308,5.423076923076923);
/*!40000 ALTER TABLE `__segmentation__component` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `__segmentation__source`
--

DROP TABLE IF EXISTS `__segmentation__source`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `__segmentation__source` (
  `request_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of workflow, parameters and what they are applied to',
  `channel_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of archive, uri and resolution',
  `block` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT 'x0-x1_y0-y1_z0-z1, half-open, channel voxels',
  `label_paramset_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of the rest',
  `neighbourhood` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of the names of these blocks',
  PRIMARY KEY (`request_id`,`channel_id`,`block`,`label_paramset_id`),
  KEY `channel_id` (`channel_id`,`block`,`label_paramset_id`,`neighbourhood`),
  CONSTRAINT `__segmentation__source_ibfk_1` FOREIGN KEY (`request_id`) REFERENCES `__segmentation` (`request_id`) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT `__segmentation__source_ibfk_2` FOREIGN KEY (`channel_id`, `block`, `label_paramset_id`) REFERENCES `__block_labels` (`channel_id`, `block`, `label_paramset_id`) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT `__segmentation__source_ibfk_3` FOREIGN KEY (`channel_id`, `block`, `label_paramset_id`, `neighbourhood`) REFERENCES `__block_links` (`channel_id`, `block`, `label_paramset_id`, `neighbourhood`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='block that it was made of';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `__segmentation__source`
--

LOCK TABLES `__segmentation__source` WRITE;
/*!40000 ALTER TABLE `__segmentation__source` DISABLE KEYS */;
INSERT INTO `__segmentation__source` VALUES ('67a421e49bf2d1db','c3ab2ddc248bca5e','0-8_0-8_0-4','651f78dab0993be8','4f53cda18c2baa0c'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','0-8_0-8_0-4','651f78dab0993be8','4f53cda18c2baa0c'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','0-8_0-8_4-8','651f78dab0993be8','2e139ea491a1a45d'),('67a421e49bf2d1db','c3ab2ddc248bca5e','0-8_8-12_0-4','651f78dab0993be8','d15713f4717192f2'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','0-8_8-12_0-4','651f78dab0993be8','d15713f4717192f2'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','0-8_8-12_4-8','651f78dab0993be8','2609e31d33324d46'),('67a421e49bf2d1db','c3ab2ddc248bca5e','8-12_0-8_0-4','651f78dab0993be8','b372887f9da84250'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','8-12_0-8_0-4','651f78dab0993be8','b372887f9da84250'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','8-12_0-8_4-8','651f78dab0993be8','df528ca330bff7d1'),('67a421e49bf2d1db','c3ab2ddc248bca5e','8-12_8-12_0-4','651f78dab0993be8','499f351ee328b726'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','8-12_8-12_0-4','651f78dab0993be8','499f351ee328b726'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','8-12_8-12_4-8','651f78dab0993be8','1c9455080de2c43e');
/*!40000 ALTER TABLE `__segmentation__source` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `__segmentation_block`
--

DROP TABLE IF EXISTS `__segmentation_block`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `__segmentation_block` (
  `request_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of workflow, parameters and what they are applied to',
  `channel_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of archive, uri and resolution',
  `block` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT 'x0-x1_y0-y1_z0-z1, half-open, channel voxels',
  `label_paramset_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of the rest',
  `lookup_sha256` char(64) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(64):of its labels'' component ids',
  `relabelled_by` char(32) COLLATE utf8mb4_bin NOT NULL COMMENT 'start of the sha256 of bundle.json',
  PRIMARY KEY (`request_id`,`channel_id`,`block`,`label_paramset_id`),
  KEY `relabelled_by` (`relabelled_by`),
  CONSTRAINT `__segmentation_block_ibfk_1` FOREIGN KEY (`request_id`, `channel_id`, `block`, `label_paramset_id`) REFERENCES `__segmentation__source` (`request_id`, `channel_id`, `block`, `label_paramset_id`) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT `__segmentation_block_ibfk_2` FOREIGN KEY (`relabelled_by`) REFERENCES `execution` (`execution_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='block written to the volume';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `__segmentation_block`
--

LOCK TABLES `__segmentation_block` WRITE;
/*!40000 ALTER TABLE `__segmentation_block` DISABLE KEYS */;
INSERT INTO `__segmentation_block` VALUES ('67a421e49bf2d1db','c3ab2ddc248bca5e','0-8_0-8_0-4','651f78dab0993be8','7e1efc4b9897bdc330f1d779eb3669ee323a86965756efaef91482b7534af68e','ea9ae46871fd62e95c11f56e6e770c27'),('67a421e49bf2d1db','c3ab2ddc248bca5e','0-8_8-12_0-4','651f78dab0993be8','38723a2e5e8a17aa7950dc008209944e898f69a7bd10a23c839d341e935fd5ca','f64dc36a6511f47d6e2c4be957dd51f9'),('67a421e49bf2d1db','c3ab2ddc248bca5e','8-12_0-8_0-4','651f78dab0993be8','d527acc3437fcd0d2a62258743d4848ad321373815569caf8b12ba3042957d08','ea1a7b2afe30326596e536d9a91f8846'),('67a421e49bf2d1db','c3ab2ddc248bca5e','8-12_8-12_0-4','651f78dab0993be8','e448215d6ca62d905e046cff2ab4756fa21132117aa05e555158baddccc2ef5a','81f193293f78bd010ed9bce1eafe441c'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','0-8_0-8_0-4','651f78dab0993be8','7e1efc4b9897bdc330f1d779eb3669ee323a86965756efaef91482b7534af68e','98cf441d24fcd8226164c1e3a4dbdce8'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','0-8_0-8_4-8','651f78dab0993be8','3f8b6a0eddf0b125cd6c9a18c4684061145adfe58aeb04ca473e50782168814c','cd44b6b865ed7c3a14da967fbd119a57'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','0-8_8-12_0-4','651f78dab0993be8','38723a2e5e8a17aa7950dc008209944e898f69a7bd10a23c839d341e935fd5ca','a0d6f27ae45a2dbc5b38dc5db1053233'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','0-8_8-12_4-8','651f78dab0993be8','61e7c6be8769c877f1249b914a325e20c0de70424d4dab80ff1bedeed471d660','2697ec3490aeaf31bc7720b932376a48'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','8-12_0-8_0-4','651f78dab0993be8','d527acc3437fcd0d2a62258743d4848ad321373815569caf8b12ba3042957d08','f86f21e5d761e9e79147782ce1941f6e'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','8-12_0-8_4-8','651f78dab0993be8','be3e6c0327273fc9b5a4de32ae64c54150a92648387cf33858823b4b66d66d0a','1a6cfba2b9adf97fa38b5eb64472c547'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','8-12_8-12_0-4','651f78dab0993be8','e448215d6ca62d905e046cff2ab4756fa21132117aa05e555158baddccc2ef5a','53836404432bed79c528a0467c230e2e'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','8-12_8-12_4-8','651f78dab0993be8','2078d98d1a893010ed65db555b5937dc584d5a8a5e6dc7172ca6994a67c2c9c8','68d45f519759c47de98e984f133c1f45');
/*!40000 ALTER TABLE `__segmentation_block` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `_pulled_block`
--

DROP TABLE IF EXISTS `_pulled_block`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `_pulled_block` (
  `channel_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of archive, uri and resolution',
  `block` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT 'x0-x1_y0-y1_z0-z1, half-open, channel voxels',
  `voxels_sha256` char(64) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(64):of the ZYX C-order little-endian bytes',
  `pulled_by` char(32) COLLATE utf8mb4_bin NOT NULL COMMENT 'start of the sha256 of bundle.json',
  PRIMARY KEY (`channel_id`,`block`),
  KEY `pulled_by` (`pulled_by`),
  CONSTRAINT `_pulled_block_ibfk_1` FOREIGN KEY (`channel_id`, `block`) REFERENCES `block` (`channel_id`, `block`) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT `_pulled_block_ibfk_2` FOREIGN KEY (`pulled_by`) REFERENCES `execution` (`execution_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='voxels pulled from the archive';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `_pulled_block`
--

LOCK TABLES `_pulled_block` WRITE;
/*!40000 ALTER TABLE `_pulled_block` DISABLE KEYS */;
INSERT INTO `_pulled_block` VALUES ('c3ab2ddc248bca5e','0-8_0-8_0-4','4605aa17af38fb179d05eceebada3901087f736c7a0435eb6844baa32fe7b9f4','4f4cd96b4c7e0834bbd2af386c69e9bb'),('c3ab2ddc248bca5e','0-8_0-8_4-8','309a9e01657cfbd82918e7d38f436feaa4adea1199c6d6f95c35e42cd47c3ee4','b03fb919b33e416304685064594051a2'),('c3ab2ddc248bca5e','0-8_8-12_0-4','3d848b135355bf1bbba6bf6795c0b2d1a8475d256318fc4554b4ac4031a420f6','4df8fe055d4a3f9af506bb81834c4488'),('c3ab2ddc248bca5e','0-8_8-12_4-8','39025f46959828789b41e8ef82161d5504bb5764c2cd7ad81d2b8016a480b3ee','ac013fdb14a4bbbede93a26b2bec1709'),('c3ab2ddc248bca5e','8-12_0-8_0-4','609095a56aca167dcc8d6c1665c6c0705d1c29d6259af2b4e600efda61642488','7222d303e43f3695dab4bf9a647761a4'),('c3ab2ddc248bca5e','8-12_0-8_4-8','1492b30b9d9c817e853c4c0f7bd7217a3f3392fbf57bbe06787574320ed2c78e','4282d807be8b122f97aeee2092d6a583'),('c3ab2ddc248bca5e','8-12_8-12_0-4','ad6f0b9e35d9c052b1aef326f7b7108e4b01ab05e539c5666c71128d2f0ef7ef','9659c72875d317f36b16679fb8bf68d2'),('c3ab2ddc248bca5e','8-12_8-12_4-8','4c66a026e16924f64890798698c295386de9a0d8b8830793be429b2108605e01','239b0953f0a43283917cc0dcf66bd899');
/*!40000 ALTER TABLE `_pulled_block` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `block`
--

DROP TABLE IF EXISTS `block`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `block` (
  `channel_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of archive, uri and resolution',
  `block` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(64):x0-x1_y0-y1_z0-z1, half-open, channel voxels',
  `block_x0` bigint NOT NULL COMMENT ':int64:(voxels)',
  `block_x1` bigint NOT NULL COMMENT ':int64:',
  `block_y0` bigint NOT NULL COMMENT ':int64:',
  `block_y1` bigint NOT NULL COMMENT ':int64:',
  `block_z0` bigint NOT NULL COMMENT ':int64:',
  `block_z1` bigint NOT NULL COMMENT ':int64:',
  PRIMARY KEY (`channel_id`,`block`),
  CONSTRAINT `block_ibfk_1` FOREIGN KEY (`channel_id`) REFERENCES `channel` (`channel_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='cell of the block grid, clipped to a cutout';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `block`
--

LOCK TABLES `block` WRITE;
/*!40000 ALTER TABLE `block` DISABLE KEYS */;
INSERT INTO `block` VALUES ('c3ab2ddc248bca5e','0-8_0-8_0-4',0,8,0,8,0,4),('c3ab2ddc248bca5e','0-8_0-8_4-8',0,8,0,8,4,8),('c3ab2ddc248bca5e','0-8_8-12_0-4',0,8,8,12,0,4),('c3ab2ddc248bca5e','0-8_8-12_4-8',0,8,8,12,4,8),('c3ab2ddc248bca5e','8-12_0-8_0-4',8,12,0,8,0,4),('c3ab2ddc248bca5e','8-12_0-8_4-8',8,12,0,8,4,8),('c3ab2ddc248bca5e','8-12_8-12_0-4',8,12,8,12,0,4),('c3ab2ddc248bca5e','8-12_8-12_4-8',8,12,8,12,4,8);
/*!40000 ALTER TABLE `block` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `channel`
--

DROP TABLE IF EXISTS `channel`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `channel` (
  `channel_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(16):hash of archive, uri and resolution',
  `archive` varchar(255) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(255):host and port, or the name given with `archive`',
  `uri` varchar(1024) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(1024):',
  `resolution` int NOT NULL COMMENT ':int32:0 is the finest',
  `kind` varchar(16) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(16):image or annotation',
  `dtype` varchar(16) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(16):',
  `channel_x0` bigint NOT NULL COMMENT ':int64:(voxels) extent, half-open',
  `channel_x1` bigint NOT NULL COMMENT ':int64:',
  `channel_y0` bigint NOT NULL COMMENT ':int64:',
  `channel_y1` bigint NOT NULL COMMENT ':int64:',
  `channel_z0` bigint NOT NULL COMMENT ':int64:',
  `channel_z1` bigint NOT NULL COMMENT ':int64:',
  `voxel_size_x` double NOT NULL COMMENT ':float64:(nm)',
  `voxel_size_y` double NOT NULL COMMENT ':float64:(nm)',
  `voxel_size_z` double NOT NULL COMMENT ':float64:(nm)',
  `written_by` char(32) COLLATE utf8mb4_bin DEFAULT NULL COMMENT 'start of the sha256 of bundle.json',
  PRIMARY KEY (`channel_id`),
  KEY `written_by` (`written_by`),
  CONSTRAINT `channel_ibfk_1` FOREIGN KEY (`written_by`) REFERENCES `execution` (`execution_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='array at one resolution, in an archive or in the store';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `channel`
--

LOCK TABLES `channel` WRITE;
/*!40000 ALTER TABLE `channel` DISABLE KEYS */;
INSERT INTO `channel` VALUES ('c3ab2ddc248bca5e','lab','bossdb://lab/slice/neurons',0,'annotation','uint64',0,12,0,12,0,8,1,1,1,NULL);
/*!40000 ALTER TABLE `channel` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `cutout`
--

DROP TABLE IF EXISTS `cutout`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `cutout` (
  `channel_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of archive, uri and resolution',
  `cutout` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(64):x0-x1_y0-y1_z0-z1, half-open, channel voxels',
  `cutout_x0` bigint NOT NULL COMMENT ':int64:(voxels)',
  `cutout_x1` bigint NOT NULL COMMENT ':int64:',
  `cutout_y0` bigint NOT NULL COMMENT ':int64:',
  `cutout_y1` bigint NOT NULL COMMENT ':int64:',
  `cutout_z0` bigint NOT NULL COMMENT ':int64:',
  `cutout_z1` bigint NOT NULL COMMENT ':int64:',
  PRIMARY KEY (`channel_id`,`cutout`),
  CONSTRAINT `cutout_ibfk_1` FOREIGN KEY (`channel_id`) REFERENCES `channel` (`channel_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='box of a channel that was asked for';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `cutout`
--

LOCK TABLES `cutout` WRITE;
/*!40000 ALTER TABLE `cutout` DISABLE KEYS */;
INSERT INTO `cutout` VALUES ('c3ab2ddc248bca5e','0-12_0-12_0-4',0,12,0,12,0,4),('c3ab2ddc248bca5e','0-12_0-12_0-8',0,12,0,12,0,8);
/*!40000 ALTER TABLE `cutout` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `environment`
--

DROP TABLE IF EXISTS `environment`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `environment` (
  `environment_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(16):hash of the rest',
  `container` varchar(255) COLLATE utf8mb4_bin DEFAULT NULL COMMENT ':varchar(255):image with digest; null outside of containers',
  `code` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(16):hash of the programs in bin/',
  `software` json NOT NULL COMMENT ':json:distribution to version',
  PRIMARY KEY (`environment_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='container and software versions';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `environment`
--

LOCK TABLES `environment` WRITE;
/*!40000 ALTER TABLE `environment` DISABLE KEYS */;
INSERT INTO `environment` VALUES ('185bc9c55c5b1a90',NULL,'5bec77c1270e631a','{\"numba\": \"0.68.1\", \"numpy\": \"2.4.6\", \"python\": \"3.11.7\", \"tensorstore\": \"0.1.86\"}'),('2f1abe05303f8b74',NULL,'5bec77c1270e631a','{\"numpy\": \"2.4.6\", \"intern\": \"1.4.2\", \"python\": \"3.11.7\", \"tensorstore\": \"0.1.86\"}'),('83e58930d3525e33',NULL,'5bec77c1270e631a','{\"numba\": \"0.68.1\", \"numpy\": \"2.4.6\", \"python\": \"3.11.7\", \"pyarrow\": \"26.0.1\", \"tensorstore\": \"0.1.86\", \"connected-components-3d\": \"4.1.1\"}'),('c0192597a806d2aa',NULL,'5bec77c1270e631a','{\"numpy\": \"2.4.6\", \"python\": \"3.11.7\", \"pyarrow\": \"26.0.1\"}'),('d3776529f0960584',NULL,'5bec77c1270e631a','{\"numpy\": \"2.4.6\", \"scipy\": \"1.17.1\", \"python\": \"3.11.7\", \"pyarrow\": \"26.0.1\"}');
/*!40000 ALTER TABLE `environment` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `execution`
--

DROP TABLE IF EXISTS `execution`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `execution` (
  `execution_id` char(32) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(32):start of the sha256 of bundle.json',
  `process` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(64):Nextflow process',
  `run_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of Nextflow''s session, run name and start',
  `environment_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of the rest',
  `task` varchar(255) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(255):Nextflow''s task directory, such as 3f/70944c…',
  `executed` datetime NOT NULL COMMENT ':datetime:UTC, when it began',
  `execution_seconds` double NOT NULL COMMENT ':float64:wall time',
  `peak_memory_bytes` bigint NOT NULL COMMENT ':int64:of the program so far',
  `bundle_url` varchar(1024) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(1024):directory of the bundle',
  `bundle_bytes` bigint NOT NULL COMMENT ':int64:all its files',
  `manifest_sha256` char(64) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(64):of bundle.json',
  `content_sha256` char(64) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(64):of what was made: the same for the same result',
  PRIMARY KEY (`execution_id`),
  KEY `run_id` (`run_id`),
  KEY `environment_id` (`environment_id`),
  CONSTRAINT `execution_ibfk_1` FOREIGN KEY (`run_id`) REFERENCES `run` (`run_id`) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT `execution_ibfk_2` FOREIGN KEY (`environment_id`) REFERENCES `environment` (`environment_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='how a bundle was made';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `execution`
--

LOCK TABLES `execution` WRITE;
/*!40000 ALTER TABLE `execution` DISABLE KEYS */;
INSERT INTO `execution` VALUES ('1a6cfba2b9adf97fa38b5eb64472c547','RELABEL_BLOCK','33fb241d7d1c61d6','185bc9c55c5b1a90','0b/bf2011aee9e4d2459bf538b0efade5','2026-11-21 13:35:13',0.015,130260992,'file:///lab/store/RELABEL_BLOCK/5d/5d3b01c03a266e4b41126676b94e93b2',612,'1a6cfba2b9adf97fa38b5eb64472c54785902d3763f5bc84010b5c092aa853c7','fe78d177ffad28f3b89a691c0704502ed9cb397e15f390c08758e895580d15f3'),('239b0953f0a43283917cc0dcf66bd899','PULL_BLOCK','33fb241d7d1c61d6','2f1abe05303f8b74','82/30c64b5fab85b5fb1de203800ebd44','2026-11-21 13:34:55',0.02,78426112,'file:///lab/store/PULL_BLOCK/7c/7c2c4c94a73ffe0361f4693b92a13e87',305,'239b0953f0a43283917cc0dcf66bd899f21fdac0a361ec25dbff01604bc4149e','ced7d66b2076658b86c1165eb486d01a847e1077f9f1cfece0bc344ecb292338'),('2697ec3490aeaf31bc7720b932376a48','RELABEL_BLOCK','33fb241d7d1c61d6','185bc9c55c5b1a90','0b/bf2011aee9e4d2459bf538b0efade5','2026-11-21 13:35:13',0.026,130392064,'file:///lab/store/RELABEL_BLOCK/28/2832a4d3095bb455252446be52ecd4b7',624,'2697ec3490aeaf31bc7720b932376a48f6cfc20a93add50486b5f77bc7f86173','b95033961c7ee40f55b300e8421fff608fc4af65dbe1cf3d614ea51f0c2914be'),('4282d807be8b122f97aeee2092d6a583','PULL_BLOCK','33fb241d7d1c61d6','2f1abe05303f8b74','82/30c64b5fab85b5fb1de203800ebd44','2026-11-21 13:34:55',0.052,78295040,'file:///lab/store/PULL_BLOCK/e7/e7a22ee2f83251a4b05280028a0990b0',500,'4282d807be8b122f97aeee2092d6a58372a5823447a79f99a4522de05756da04','1b41f5a0ca12c89b97ecc499f88a2a1a75dd33de23e3ae50b88e94d5a1134eba'),('453340d5dbac3f6e1949622af3dd27d0','LABEL_BLOCK','bd839b14c3ea85a0','83e58930d3525e33','3c/333eeb43a9feb5ddc86bab56063d6d','2026-11-21 13:33:44',2.732,209653760,'file:///lab/store/LABEL_BLOCK/df/df3cbc1f29772ceef1e04d142f3f92a9',6085,'453340d5dbac3f6e1949622af3dd27d0734d9dab8ec06928b58dc1f809ebf0fb','8541ed70bab66bed9cf691032fefdd8113533bfc5d321b3f8cd42583dc73f6da'),('45a66410b53691202645ff29864d074d','LINK_BLOCK','bd839b14c3ea85a0','c0192597a806d2aa','fb/4b4083bbc1a9433e1fe1dab3d5e406','2026-11-21 13:33:50',0.007,81788928,'file:///lab/store/LINK_BLOCK/f4/f450688c9e57e5e01ce83e7bfb6174ed',1252,'45a66410b53691202645ff29864d074d87d123628907eec67aef04dab3b60325','61c32dab4f543c8f9ae0df74469f5c993c6e0e772724941191cbe1d58a8857e6'),('4df8fe055d4a3f9af506bb81834c4488','PULL_BLOCK','bd839b14c3ea85a0','2f1abe05303f8b74','dc/ddaf4422f69b60e1d21a20b2ffa00c','2026-11-21 13:33:42',0.017,77762560,'file:///lab/store/PULL_BLOCK/42/420e8b82a4ed7e5c04fa819ab5376ab1',495,'4df8fe055d4a3f9af506bb81834c4488e53e236fd9dd20189c22e27299195ccf','70118ff70cb359f5135d7f2681cfb0629dabd7942cb797e65bce7d31e55ab598'),('4f4cd96b4c7e0834bbd2af386c69e9bb','PULL_BLOCK','bd839b14c3ea85a0','2f1abe05303f8b74','dc/ddaf4422f69b60e1d21a20b2ffa00c','2026-11-21 13:33:41',1.036,77631488,'file:///lab/store/PULL_BLOCK/c3/c37af569ed521c95cff6768b09840181',815,'4f4cd96b4c7e0834bbd2af386c69e9bb2124469e776fbdf02cd88060e4fa07f6','e2d7ecc21a176d49ce629f75dfc5879ce794ed7ca416071a3d95e2067b9fd80e'),('53836404432bed79c528a0467c230e2e','RELABEL_BLOCK','33fb241d7d1c61d6','185bc9c55c5b1a90','0b/bf2011aee9e4d2459bf538b0efade5','2026-11-21 13:35:12',0.003,59883520,'file:///lab/store/RELABEL_BLOCK/31/31bf5398941fdd2772b1740cfe5a4d27',592,'53836404432bed79c528a0467c230e2eac9154e1df5f276b07335e2c352c1441','766e55f447f34cea1b14a994e35c9f04fc26f033335230aea9425398a6e24200'),('68d45f519759c47de98e984f133c1f45','RELABEL_BLOCK','33fb241d7d1c61d6','185bc9c55c5b1a90','0b/bf2011aee9e4d2459bf538b0efade5','2026-11-21 13:35:13',0.022,130392064,'file:///lab/store/RELABEL_BLOCK/6c/6ca6a9100e0205068c257fd90117db0e',312,'68d45f519759c47de98e984f133c1f45061fd8f8604812d391dc43a6dfd62413','67486bca020c3fd8788c2eaf3093c26e6595807fc76c1c3351171f48d90080c0'),('6e6dbd940e4a219f68af690490fc2dd4','STITCH','33fb241d7d1c61d6','d3776529f0960584','a8/98fa8d1050dea785f14cf4acfcfcc4','2026-11-21 13:35:06',1.989,137625600,'file:///lab/store/STITCH/be/be03bce4446c55ded7bbbd5011f27f45',8964,'6e6dbd940e4a219f68af690490fc2dd4b3d0c0721abf458396367937595dcb1e','cd18ca4b299022e6df20d4a1c9cab9c88881b7d33e34a9cd041ca856f6a4aa19'),('719ba8be7284aff48969fead331c86e8','LABEL_BLOCK','bd839b14c3ea85a0','83e58930d3525e33','3c/333eeb43a9feb5ddc86bab56063d6d','2026-11-21 13:33:47',0.008,211783680,'file:///lab/store/LABEL_BLOCK/7f/7f1b49e937e49fce348113b98d72cb6c',5330,'719ba8be7284aff48969fead331c86e8f732b6513dbcba0d9cc7017365d1e08a','a491d8f5cb3ce9fedcf28678e5e63cda046ab2c52e9e887b750be6410ce02d1d'),('7222d303e43f3695dab4bf9a647761a4','PULL_BLOCK','bd839b14c3ea85a0','2f1abe05303f8b74','dc/ddaf4422f69b60e1d21a20b2ffa00c','2026-11-21 13:33:42',0.032,77631488,'file:///lab/store/PULL_BLOCK/90/909dde814de8beba95c7cd51b89d45e2',537,'7222d303e43f3695dab4bf9a647761a494f8f9be8e0e2ace4de76b2d0938e418','ccf014c984df783b9bcfabc33c6b080c1724b9eeffbb4ef7e0e81cc30b4d9a90'),('736a694425bca1e89e5f03e9de4c9b06','LABEL_BLOCK','33fb241d7d1c61d6','83e58930d3525e33','5e/cadf81bff4ee81caf530ca77e52f49','2026-11-21 13:34:58',2.537,210608128,'file:///lab/store/LABEL_BLOCK/49/49c5250b250f52c023f493be0315199b',5888,'736a694425bca1e89e5f03e9de4c9b06061829d6fa4c0d026edc3526e9750fa2','c3b84cd9c9383e199b03e3d54caf96f8d1e9a63814f369a2b2c83770b4bb4c50'),('76577709736d6f16b05a8b61011588c9','LINK_BLOCK','bd839b14c3ea85a0','c0192597a806d2aa','fb/4b4083bbc1a9433e1fe1dab3d5e406','2026-11-21 13:33:50',0.014,80670720,'file:///lab/store/LINK_BLOCK/0f/0f1c910ef8e67da5b48aaa4943bd544f',1107,'76577709736d6f16b05a8b61011588c9c66505b311a0e3e5440610761735b527','ebbdf0f45f7e68638a7852251e4b51e95f32adbf8400d1aaa3fc4abc8852b4f0'),('81f193293f78bd010ed9bce1eafe441c','RELABEL_BLOCK','bd839b14c3ea85a0','185bc9c55c5b1a90','22/39ef8f77eeaf42e53d52124da5c824','2026-11-21 13:33:59',0.004,130822144,'file:///lab/store/RELABEL_BLOCK/21/21158379737e67a3a2738576c023c1bf',592,'81f193293f78bd010ed9bce1eafe441c5227d92c2d938da9e88a007e6292d691','e1dfafb1dbc08a77f2177d35ef9332c00598e7be3c250a7f75ea1af3216bbc6b'),('8904ed3c588c9a27974a60873a07d662','LABEL_BLOCK','33fb241d7d1c61d6','83e58930d3525e33','5e/cadf81bff4ee81caf530ca77e52f49','2026-11-21 13:35:00',0.017,210608128,'file:///lab/store/LABEL_BLOCK/0c/0ce0c3002c6771e6caf3c7eb3f67c475',4849,'8904ed3c588c9a27974a60873a07d6622df917b87a27b8bb6c149f821fde280c','0a3a02df86500cce22e5ad5d0347d146fddf5dde459b6f18156bd706b19cc0d3'),('8cd36cefadddfb8d870251649cee2132','LINK_BLOCK','33fb241d7d1c61d6','c0192597a806d2aa','27/a342074888d6301c6334507ac8a5b5','2026-11-21 13:35:03',0.019,82640896,'file:///lab/store/LINK_BLOCK/30/30a589352a04affbf64495079b949438',1290,'8cd36cefadddfb8d870251649cee213235f5d6d52d85732540f3d00411472672','57248b0017c18ed89335acdd3891a1da3c6c1fa5e29baeb60caaa942daadfbd3'),('9659c72875d317f36b16679fb8bf68d2','PULL_BLOCK','bd839b14c3ea85a0','2f1abe05303f8b74','dc/ddaf4422f69b60e1d21a20b2ffa00c','2026-11-21 13:33:42',0.03,77762560,'file:///lab/store/PULL_BLOCK/9f/9f2ce13898ff4414caec0262a80a974f',385,'9659c72875d317f36b16679fb8bf68d222faed7a223040f640ffbd3750cc0720','b96ec66b8e58ef8467ebc47503f81333d7cbc3e58fb9b714da454e3f504b2753'),('98cf441d24fcd8226164c1e3a4dbdce8','RELABEL_BLOCK','33fb241d7d1c61d6','185bc9c55c5b1a90','0b/bf2011aee9e4d2459bf538b0efade5','2026-11-21 13:35:12',0.033,59883520,'file:///lab/store/RELABEL_BLOCK/d7/d771e4a49b67626b28d6d486fe9dfafb',744,'98cf441d24fcd8226164c1e3a4dbdce8072c963b84a1baf9af275ab9cc9361df','b307c89716ff440f436f7597c3c7f93bdbb437432555ab640cb759d6b42e8700'),('9a095ff9b127d488903d98e14f251029','LABEL_BLOCK','bd839b14c3ea85a0','83e58930d3525e33','3c/333eeb43a9feb5ddc86bab56063d6d','2026-11-21 13:33:47',0.015,211886080,'file:///lab/store/LABEL_BLOCK/8f/8f753993654f5271c65b62b27d2a68c5',4939,'9a095ff9b127d488903d98e14f2510299a13105edb7513b22f532c92c23df174','059a1afff95675af11785cecba305a72d1bd604a76e1301127ad7409958177b6'),('9b998328bca37d462976aed18b11d68f','LINK_BLOCK','33fb241d7d1c61d6','c0192597a806d2aa','27/a342074888d6301c6334507ac8a5b5','2026-11-21 13:35:03',0.033,82640896,'file:///lab/store/LINK_BLOCK/ca/ca7d59e1a8a46f1f5cfc3da7538515f0',1280,'9b998328bca37d462976aed18b11d68fd79ef5cd5f5b1a97d2862f0ec61e0efe','899650d5f52809e43c8b65836972eb4254df8a3f7ae293762f7611ac10dd1e4c'),('a0d6f27ae45a2dbc5b38dc5db1053233','RELABEL_BLOCK','33fb241d7d1c61d6','185bc9c55c5b1a90','0b/bf2011aee9e4d2459bf538b0efade5','2026-11-21 13:35:12',0.003,59883520,'file:///lab/store/RELABEL_BLOCK/bd/bd977f86e0c0738f0fbdba400bd10f76',652,'a0d6f27ae45a2dbc5b38dc5db1053233280687dc1b00ab4285d8d240cf34539d','e104286a0d43c21399e8d99750cc7be34aa9bfd34b719e8ecc86939ff021faef'),('a7477b02b479d06493712a10a9ce992c','LINK_BLOCK','33fb241d7d1c61d6','c0192597a806d2aa','27/a342074888d6301c6334507ac8a5b5','2026-11-21 13:35:03',0.008,82640896,'file:///lab/store/LINK_BLOCK/77/771588248e74e8325d89530c0b1d7c98',1279,'a7477b02b479d06493712a10a9ce992cffb6df5c20cdb693fa81d59a1b97fbfa','ced3361e69408b8fab9b12bb00101cf3379a0c348af2cf75af95e51deba9d918'),('a7c14a71cad433e67f8c77d6ad3b9edd','STITCH','bd839b14c3ea85a0','d3776529f0960584','03/81ea46857b614caf30e736e2d71b4b','2026-11-21 13:33:54',2.746,136089600,'file:///lab/store/STITCH/70/703ac77e8b301cf56cf16b2c04d4bbfb',7966,'a7c14a71cad433e67f8c77d6ad3b9edd297874fcfad59ac00c7cd4ba2eed4b0d','b066a955ed5c3e4d95b772b2c481306627f58c271b0fc7d28f9b00a212c32cfc'),('ac013fdb14a4bbbede93a26b2bec1709','PULL_BLOCK','33fb241d7d1c61d6','2f1abe05303f8b74','82/30c64b5fab85b5fb1de203800ebd44','2026-11-21 13:34:55',0.024,78295040,'file:///lab/store/PULL_BLOCK/c4/c4c4b1c1a7cf7e70c40476eefeee6fb5',503,'ac013fdb14a4bbbede93a26b2bec170993ccb8c3ddff7ff8d912d831b8873b20','61385a5b91e979c98a5c9d37a2f4dbb5f0b207e4f43da6b86bb647c306d1080b'),('b03fb919b33e416304685064594051a2','PULL_BLOCK','33fb241d7d1c61d6','2f1abe05303f8b74','82/30c64b5fab85b5fb1de203800ebd44','2026-11-21 13:34:54',1.738,78295040,'file:///lab/store/PULL_BLOCK/fd/fd1b82885ea82f5c06e70c500eb357a9',709,'b03fb919b33e416304685064594051a2504299472817a196f23f3f0856afa328','862d4510c04987394b928d6638e42b73562824fd5eee8cd790a2ecc744be2c8c'),('b30c4d0c498ccc507fe6aa511210ff4a','LABEL_BLOCK','33fb241d7d1c61d6','83e58930d3525e33','5e/cadf81bff4ee81caf530ca77e52f49','2026-11-21 13:35:00',0.009,210608128,'file:///lab/store/LABEL_BLOCK/72/725a31a77812fdf29ded2c7cf0b93c15',5185,'b30c4d0c498ccc507fe6aa511210ff4a9b1d58d822d2a73cb1b28ecab2326a32','24a567d86bd523e62a2527dc65e5134fff876b96f1c7a0709ffe420a379ad074'),('cd44b6b865ed7c3a14da967fbd119a57','RELABEL_BLOCK','33fb241d7d1c61d6','185bc9c55c5b1a90','0b/bf2011aee9e4d2459bf538b0efade5','2026-11-21 13:35:12',1.274,130260992,'file:///lab/store/RELABEL_BLOCK/a7/a7b2c2de08096546d8604416e7e0ea27',696,'cd44b6b865ed7c3a14da967fbd119a5705460ad0fcf716d618289b123f4b8023','d9a7f6297c59ddca92bb4bf1d196c0a3acd011205f890d0b67015b2d9577b153'),('cfeff9e83ecc2095c8f3d6b21e4ed8a3','LINK_BLOCK','bd839b14c3ea85a0','c0192597a806d2aa','fb/4b4083bbc1a9433e1fe1dab3d5e406','2026-11-21 13:33:50',0.009,81788928,'file:///lab/store/LINK_BLOCK/62/62ba3b5b16c3892e3cdb645d1fa9c8fc',1261,'cfeff9e83ecc2095c8f3d6b21e4ed8a340a2f463531db4b286be0944128eaff4','b2f3fc85c3d98a77cd26687d500cfe072b4018aee531404d904baad7ce01e732'),('dfaccf43b9b838bc97e154f86300f0da','LINK_BLOCK','bd839b14c3ea85a0','c0192597a806d2aa','fb/4b4083bbc1a9433e1fe1dab3d5e406','2026-11-21 13:33:50',0.078,81788928,'file:///lab/store/LINK_BLOCK/19/19b71fa4417f1fdd2906e485e8d9618a',1237,'dfaccf43b9b838bc97e154f86300f0da1475f0819cc6ea92c9190f759a92700b','afebaffa621a4a355824af4470b3058c9ccc6950816ad3a6d8f545d2f8d4a24e'),('e04627d6d9da3c021c96adbf12726cb5','LINK_BLOCK','33fb241d7d1c61d6','c0192597a806d2aa','27/a342074888d6301c6334507ac8a5b5','2026-11-21 13:35:03',0.064,82640896,'file:///lab/store/LINK_BLOCK/89/89476cfd47eed53ac703125fffbe908c',1269,'e04627d6d9da3c021c96adbf12726cb5b0a8b717ddc1e69d9316be53f9a34028','13736c5cb1b3d521fc51ece85176790db4b01322a75b92ebe8eaab91e8755b8f'),('ea1a7b2afe30326596e536d9a91f8846','RELABEL_BLOCK','bd839b14c3ea85a0','185bc9c55c5b1a90','22/39ef8f77eeaf42e53d52124da5c824','2026-11-21 13:33:59',0.022,130691072,'file:///lab/store/RELABEL_BLOCK/f5/f59fb6d0b610c33f0e141f9f6116f552',644,'ea1a7b2afe30326596e536d9a91f88460006810fcfe91670bfca0c15457f242c','43f316794b1f050d452d815105eb96a7af57c5cc0205e961497fce5a3bad4cc7'),('ea9ae46871fd62e95c11f56e6e770c27','RELABEL_BLOCK','bd839b14c3ea85a0','185bc9c55c5b1a90','22/39ef8f77eeaf42e53d52124da5c824','2026-11-21 13:33:58',1.056,130691072,'file:///lab/store/RELABEL_BLOCK/b5/b556b32a8d1b42202b88792cb5f7f9f8',744,'ea9ae46871fd62e95c11f56e6e770c278125a15bc1424ee89ffbac1c8e200f17','697c1e5a9a1dc2ba3f80e23bff05000f7cb8f1833d21b24e0927bf1bfdef83c6'),('f4ee70a32d743dea3fa56adf3558279c','LABEL_BLOCK','33fb241d7d1c61d6','83e58930d3525e33','5e/cadf81bff4ee81caf530ca77e52f49','2026-11-21 13:35:00',0.017,210608128,'file:///lab/store/LABEL_BLOCK/83/8398fb6cbf024f826a98b27b23d8b0b6',5162,'f4ee70a32d743dea3fa56adf3558279c5dd295771c07950993c510f1721cf8b7','65879ca1bd63b38036d09142336bdedbf3e95df21793f0e876143a0a867b3e00'),('f64dc36a6511f47d6e2c4be957dd51f9','RELABEL_BLOCK','bd839b14c3ea85a0','185bc9c55c5b1a90','22/39ef8f77eeaf42e53d52124da5c824','2026-11-21 13:33:59',0.023,130822144,'file:///lab/store/RELABEL_BLOCK/8c/8c9eade8e19e30c702fa3322599caa44',652,'f64dc36a6511f47d6e2c4be957dd51f9d1b9b31bd3646fb39c9950ba54caa25c','6fdab729dcb76bd8c02eb01a2959d64b5a25eb33b249583d01665ab6b019472b'),('f86f21e5d761e9e79147782ce1941f6e','RELABEL_BLOCK','33fb241d7d1c61d6','185bc9c55c5b1a90','0b/bf2011aee9e4d2459bf538b0efade5','2026-11-21 13:35:12',0.005,59883520,'file:///lab/store/RELABEL_BLOCK/12/12b7e06a1537f0c0ab79b0d0ad305a9f',644,'f86f21e5d761e9e79147782ce1941f6e3cf555509fc758ad91b8f6b194ae94d4','74e3b5885bf76cd1cc1a24998e252778896cefdcfdd3d4a1ac7ec18420a34ff7'),('f955e5f1d147306f07a8b9d60f24803c','LABEL_BLOCK','bd839b14c3ea85a0','83e58930d3525e33','3c/333eeb43a9feb5ddc86bab56063d6d','2026-11-21 13:33:47',0.011,211759104,'file:///lab/store/LABEL_BLOCK/7b/7bfcfcf29fd2823e9df25e5c1b8e1daa',5381,'f955e5f1d147306f07a8b9d60f24803cb69f133ad8afde6862c63b877814affd','143ea9791ad583a016e001dcbc0db7a5c7dbd0986eb6bf285c5854c4d929b823');
/*!40000 ALTER TABLE `execution` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `label_request`
--

DROP TABLE IF EXISTS `label_request`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `label_request` (
  `request_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of workflow, parameters and what they are applied to',
  `channel_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of archive, uri and resolution',
  `cutout` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT 'x0-x1_y0-y1_z0-z1, half-open, channel voxels',
  PRIMARY KEY (`request_id`),
  KEY `channel_id` (`channel_id`,`cutout`),
  CONSTRAINT `label_request_ibfk_1` FOREIGN KEY (`request_id`) REFERENCES `request` (`request_id`) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT `label_request_ibfk_2` FOREIGN KEY (`channel_id`, `cutout`) REFERENCES `cutout` (`channel_id`, `cutout`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='cutout to be labelled';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `label_request`
--

LOCK TABLES `label_request` WRITE;
/*!40000 ALTER TABLE `label_request` DISABLE KEYS */;
INSERT INTO `label_request` VALUES ('67a421e49bf2d1db','c3ab2ddc248bca5e','0-12_0-12_0-4'),('6dbb0835c5f2de6a','c3ab2ddc248bca5e','0-12_0-12_0-8');
/*!40000 ALTER TABLE `label_request` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `param_set`
--

DROP TABLE IF EXISTS `param_set`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `param_set` (
  `paramset_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(16):hash of the rest',
  `method` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(64):',
  `method_version` varchar(16) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(16):',
  `parameters` json NOT NULL COMMENT ':json:',
  PRIMARY KEY (`paramset_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='method and parameters';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `param_set`
--

LOCK TABLES `param_set` WRITE;
/*!40000 ALTER TABLE `param_set` DISABLE KEYS */;
INSERT INTO `param_set` VALUES ('0a5746ba5883ecdb','label','2.0','{\"staged\": true, \"min_voxels\": 2, \"block_shape\": [4, 8, 8], \"component_of\": \"segment\", \"connectivity\": 26}'),('651f78dab0993be8','label_block','2','{\"chunk_shape\": [4, 8, 8], \"component_of\": \"segment\", \"connectivity\": 26}');
/*!40000 ALTER TABLE `param_set` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `request`
--

DROP TABLE IF EXISTS `request`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `request` (
  `request_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(16):hash of workflow, parameters and what they are applied to',
  `workflow` varchar(255) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(255):module that knows its units',
  `paramset_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of the rest',
  `first_run_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of Nextflow''s session, run name and start',
  PRIMARY KEY (`request_id`),
  KEY `paramset_id` (`paramset_id`),
  KEY `first_run_id` (`first_run_id`),
  CONSTRAINT `request_ibfk_1` FOREIGN KEY (`paramset_id`) REFERENCES `param_set` (`paramset_id`) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT `request_ibfk_2` FOREIGN KEY (`first_run_id`) REFERENCES `run` (`run_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='one result that was asked for';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `request`
--

LOCK TABLES `request` WRITE;
/*!40000 ALTER TABLE `request` DISABLE KEYS */;
INSERT INTO `request` VALUES ('67a421e49bf2d1db','bossflow.workflows.label','0a5746ba5883ecdb','bd839b14c3ea85a0'),('6dbb0835c5f2de6a','bossflow.workflows.label','0a5746ba5883ecdb','33fb241d7d1c61d6');
/*!40000 ALTER TABLE `request` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `run`
--

DROP TABLE IF EXISTS `run`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `run` (
  `run_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(16):hash of Nextflow''s session, run name and start',
  `run_name` varchar(100) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(100):Nextflow''s name, such as happy_euler',
  `run_started` datetime(6) NOT NULL COMMENT ':datetime(6):UTC',
  `run_user` varchar(100) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(100):account that started it',
  `revision` varchar(100) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(100):version, and commit where it is known, of the pipeline',
  `nextflow_version` varchar(40) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(40):',
  `profile` varchar(255) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(255):',
  `run_parameters` json NOT NULL COMMENT ':json:as given, defaults included; store resolved',
  PRIMARY KEY (`run_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='one nextflow run';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `run`
--

LOCK TABLES `run` WRITE;
/*!40000 ALTER TABLE `run` DISABLE KEYS */;
INSERT INTO `run` VALUES ('33fb241d7d1c61d6','drunk_boyd','2026-11-21 13:34:23.253806','root','0.1.0','25.04.0','standard','{\"help\": false, \"input\": null, \"stage\": false, \"store\": \"/lab/store\", \"outdir\": \"results\", \"source\": \"bossdb://lab/slice/neurons\", \"archive\": \"lab\", \"dry_run\": false, \"x_range\": null, \"y_range\": null, \"z_range\": [0, 8], \"min_voxels\": 2, \"resolution\": 0, \"block_shape\": [4, 8, 8], \"bossdb_host\": \"http://127.0.0.1:46427\", \"verify_pull\": false, \"component_of\": \"segment\", \"connectivity\": 26, \"blocks_per_task\": null, \"foreground_above\": 0, \"max_component_rows\": 50000000}'),('bd839b14c3ea85a0','wise_ride','2026-11-21 13:33:17.112352','root','0.1.0','25.04.0','standard','{\"help\": false, \"input\": null, \"stage\": false, \"store\": \"/lab/store\", \"outdir\": \"results\", \"source\": \"bossdb://lab/slice/neurons\", \"archive\": \"lab\", \"dry_run\": false, \"x_range\": null, \"y_range\": null, \"z_range\": [0, 4], \"min_voxels\": 2, \"resolution\": 0, \"block_shape\": [4, 8, 8], \"bossdb_host\": \"http://127.0.0.1:46427\", \"verify_pull\": false, \"component_of\": \"segment\", \"connectivity\": 26, \"blocks_per_task\": null, \"foreground_above\": 0, \"max_component_rows\": 50000000}');
/*!40000 ALTER TABLE `run` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `run__failure`
--

DROP TABLE IF EXISTS `run__failure`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `run__failure` (
  `run_id` char(16) COLLATE utf8mb4_bin NOT NULL COMMENT 'hash of Nextflow''s session, run name and start',
  `unit_id` char(32) COLLATE utf8mb4_bin NOT NULL COMMENT ':char(32):hash of process and key',
  `failed_process` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(64):',
  `failed_key` json NOT NULL COMMENT ':json:primary key of the row it should have filled',
  `error` varchar(1000) COLLATE utf8mb4_bin NOT NULL COMMENT ':varchar(1000):one sentence',
  PRIMARY KEY (`run_id`,`unit_id`),
  CONSTRAINT `run__failure_ibfk_1` FOREIGN KEY (`run_id`) REFERENCES `run` (`run_id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='unit that failed in a run';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `run__failure`
--

LOCK TABLES `run__failure` WRITE;
/*!40000 ALTER TABLE `run__failure` DISABLE KEYS */;
INSERT INTO `run__failure` VALUES ('33fb241d7d1c61d6','00000000000000000000000000000000','PULL_BLOCK','{\"block\": \"0-8_0-8_0-4\"}','the archive\'s answer was 503: 50% of the voxels \\ \"µm\"');
/*!40000 ALTER TABLE `run__failure` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `~lineage`
--

DROP TABLE IF EXISTS `~lineage`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `~lineage` (
  `table_name` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT 'table name within the schema',
  `attribute_name` varchar(64) COLLATE utf8mb4_bin NOT NULL COMMENT 'attribute name',
  `lineage` varchar(255) COLLATE utf8mb4_bin NOT NULL COMMENT 'origin: schema.table.attribute',
  PRIMARY KEY (`table_name`,`attribute_name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `~lineage`
--

LOCK TABLES `~lineage` WRITE;
/*!40000 ALTER TABLE `~lineage` DISABLE KEYS */;
INSERT INTO `~lineage` VALUES ('__block_labels','block','bossflow.block.block'),('__block_labels','channel_id','bossflow.channel.channel_id'),('__block_labels','label_paramset_id','bossflow.param_set.paramset_id'),('__block_labels','labelled_by','bossflow.execution.execution_id'),('__block_links','block','bossflow.block.block'),('__block_links','channel_id','bossflow.channel.channel_id'),('__block_links','label_paramset_id','bossflow.param_set.paramset_id'),('__block_links','linked_by','bossflow.execution.execution_id'),('__block_links','neighbourhood','bossflow.__block_links.neighbourhood'),('__block_links__neighbour','block','bossflow.block.block'),('__block_links__neighbour','channel_id','bossflow.channel.channel_id'),('__block_links__neighbour','label_paramset_id','bossflow.param_set.paramset_id'),('__block_links__neighbour','neighbour_block','bossflow.block.block'),('__block_links__neighbour','neighbourhood','bossflow.__block_links.neighbourhood'),('__segmentation','request_id','bossflow.request.request_id'),('__segmentation','stitched_by','bossflow.execution.execution_id'),('__segmentation__component','component_id','bossflow.__segmentation__component.component_id'),('__segmentation__component','request_id','bossflow.request.request_id'),('__segmentation__source','block','bossflow.block.block'),('__segmentation__source','channel_id','bossflow.channel.channel_id'),('__segmentation__source','label_paramset_id','bossflow.param_set.paramset_id'),('__segmentation__source','neighbourhood','bossflow.__block_links.neighbourhood'),('__segmentation__source','request_id','bossflow.request.request_id'),('__segmentation_block','block','bossflow.block.block'),('__segmentation_block','channel_id','bossflow.channel.channel_id'),('__segmentation_block','label_paramset_id','bossflow.param_set.paramset_id'),('__segmentation_block','relabelled_by','bossflow.execution.execution_id'),('__segmentation_block','request_id','bossflow.request.request_id'),('_pulled_block','block','bossflow.block.block'),('_pulled_block','channel_id','bossflow.channel.channel_id'),('_pulled_block','pulled_by','bossflow.execution.execution_id'),('block','block','bossflow.block.block'),('block','channel_id','bossflow.channel.channel_id'),('channel','channel_id','bossflow.channel.channel_id'),('channel','written_by','bossflow.execution.execution_id'),('cutout','channel_id','bossflow.channel.channel_id'),('cutout','cutout','bossflow.cutout.cutout'),('environment','environment_id','bossflow.environment.environment_id'),('execution','environment_id','bossflow.environment.environment_id'),('execution','execution_id','bossflow.execution.execution_id'),('execution','run_id','bossflow.run.run_id'),('label_request','channel_id','bossflow.channel.channel_id'),('label_request','cutout','bossflow.cutout.cutout'),('label_request','request_id','bossflow.request.request_id'),('param_set','paramset_id','bossflow.param_set.paramset_id'),('request','first_run_id','bossflow.run.run_id'),('request','paramset_id','bossflow.param_set.paramset_id'),('request','request_id','bossflow.request.request_id'),('run','run_id','bossflow.run.run_id'),('run__failure','run_id','bossflow.run.run_id'),('run__failure','unit_id','bossflow.run__failure.unit_id');
/*!40000 ALTER TABLE `~lineage` ENABLE KEYS */;
UNLOCK TABLES;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed
