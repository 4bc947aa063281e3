"""Clean Descriptors (PS3.15 E.3.5): of a description only words stay that are known to speak of technique or anatomy.

A list of what may stay is the one rule that lets no name pass; what it does not know is dropped.
"""

from __future__ import annotations

import re
from typing import Final

_VOCABULARY: Final = """
a abd abdomen abdominal acute adc adrenal aif air albedo anatomical and angio angiography ankle anterior anteroposterior
aorta aortic ap apex apical appendix arm arterial artery atlas attenuation averaged axial axilla axillary b baseline
bilateral biliary biopsy bladder blood body bolus bone bowel brachial brain breast breath breathhold bronchial
calcification calf cardiac carotid cavity cc cerebral cervical chest cine clavicle clinical coil colon color colour
contrast control cor coronal coronary corrected cortex cr craniocaudal cranial cranium cta ct cto cube curved cystic
decubitus deep delayed dental detail diagnostic diastolic diffusion digital dixon doppler dorsal dose dual dual-energy
duct dwi dx dynamic early echo elbow elbows emergency enhanced epi equilibrium erect exam expiration expiratory
extremity face fast fat fatsat femoral femur fetal ffdm fiesta field fine finger first flair flow fluid fluoro foot
forearm fov frontal full fused fusion gallbladder gated gd generic gradient grase gre groin half hand hands hard hd head
heart hepatic high hip hips hires humerus iliac image imaging in inferior inspiration inspiratory intracranial
intravenous inversion iso isotropic iv joint k kidney kidneys knee knees lao large larynx lat late lateral lcc left leg
legs limb liver lml lmlo lobe localiser localizer long low lower lumbar lumen lung lungs lymph lymphatic magnitude mammo
mammogram mammography map mandible mapping marrow mask maxilla maxillofacial mean medial mediastinal mediastinum medium
mesenteric mg mid minimum mip mlo mm modified mpr mprage mr mra mrcp mri mrv ms multi multiphase muscle myocardium
native neck nerve neuro nm no node nodule non noncontrast nuclear oblique of opposed orbit orbita orbits osem out ovary
pa palate pancreas pancreatic parallel parenchyma parotid patella pd pelvic pelvis perfusion peripheral pet phase phased
pharynx phantom pituitary plain planar plane plantar pleura portal portable post posterior posteroanterior pre prior
projection prone prostate proton pt pulmonary quantitative quick radial radiograph radius rao rapid rcc real recon
reconstruction rectal rectum reference reformat renal respiratory rest retro retroperitoneum right rml rmlo routine sag
sagittal scan scanogram scapula scout screening secondary sequence series short shoulder shoulders sinus sinuses
skeletal skeleton skull slice small soft spin spine spiral spleen splenic spot ss standard standing static stenosis
sternum stir stomach stress study subclavian subtraction superior supine survey susceptibility swi systolic t table
temporal tendon test testis thick thigh thin thoracic thorax throat thumb thyroid tibia time tissue toe tof tomo
tomosynthesis tongue topogram total trachea tract transaxial transverse trauma triphasic tse tube tumor tumour turbo two
ultrasound unenhanced unilateral upper upright ureter urinary us uterus vaginal vascular vasculature vein veins venous
ventral ventricle vertebra vertebral vessel vessels vibe view views volume w water weighted whole wholebody window with
without wo wrist wrists xa xray x-ray
"""
_WORDS: Final = frozenset(_VOCABULARY.split())
_TECHNICAL: Final = re.compile(
    r"t[12](?:rho|w|\*)?|[123]d|4d|b(?:\d{0,3}0)|[bi]\d{2}[fhs]?|\d{1,3}(?:[.,]\d{1,2})?(?:mm|cm|s|ms|kv|mas|t|hz|deg)|"
    r"[cltsw]\d{1,2}(?:-[clts]?\d{1,2})?|te\d{1,3}",
)
_DIGIT: Final = re.compile(r"\d")
_NUMERIC: Final = re.compile(r"\d+")
_SEPARATOR: Final = re.compile(r"[\s_/,;:()\[\]+&|]+|(?<!\d)-|-(?!\d)")
_WORD_PARTS: Final = re.compile(r"-")
MAX_LENGTH: Final = 64


def cleaned_description(text: str, may_stay: frozenset[str] | None = None) -> str:
    """The known words of a description, in their order; empty if none is known. `may_stay`: further words, lower case."""
    words = _WORDS if may_stay is None else _WORDS | may_stay
    parts = [word.strip(".'\"*") for word in _SEPARATOR.split(text) if word.strip(".'\"*")]
    kept = [
        word
        for place, word in enumerate(parts)
        if _is_known(word.lower(), words) or (_DIGIT.fullmatch(word) and not _has_numeric_neighbour(parts, place))
    ]
    return " ".join(kept)[:MAX_LENGTH].strip()


def _is_known(word: str, words: frozenset[str]) -> bool:
    if not word.isascii():
        return False
    return (
        word in words or bool(_TECHNICAL.fullmatch(word)) or all(part in words for part in _WORD_PARTS.split(word) if part)
    )


def _has_numeric_neighbour(parts: list[str], place: int) -> bool:
    """A digit beside another number may be a piece of a date or a telephone number."""
    return any(_NUMERIC.search(part) for part in parts[max(place - 1, 0) : place] + parts[place + 1 : place + 2])
